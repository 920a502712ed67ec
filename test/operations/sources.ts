// Sources in every input format of the operations, made with FFmpeg, the image library and a HEIC writer. Used by the matrix and its test.
import { join } from 'node:path';
import sharp from 'sharp';
import { type MadeMedia, withMatrix } from '../media/made-media.ts';
import { encodeHevc, writeHeic } from '../media/make-heic.ts';
import { CORPUS } from './corpus-cases.ts';

const PICTURE = '-f lavfi -i testsrc2=size=320x180:rate=25:duration=3';
/** A sweep on the left and pulses on the right: neither time nor sides can be mistaken. */
const SOUND =
  '-f lavfi -i aevalsrc=0.4*sin(2*PI*(200+150*t)*t)*(0.3+0.7*gt(mod(t\\,0.5)\\,0.2))|0.4*sin(2*PI*500*t)*gt(mod(t\\,0.7)\\,0.3):d=3:s=48000';
/** An even tone would say nothing of its place in time. */
const PULSES = '-f lavfi -i aevalsrc=0.4*sin(2*PI*300*t)*(0.2+0.8*gt(mod(t\\,0.5)\\,0.2)):d=3:s=44100';
const H264 = '-c:v libx264 -preset ultrafast -crf 12 -pix_fmt yuv420p -g 25';

const film = (codecs: string): string => `${PICTURE} ${SOUND} ${codecs}`;
const sound = (codec: string): string => `${SOUND} ${codec}`;

/** By name: what FFmpeg is told. The part before the first dash is the format. */
export const FILMS: Readonly<Record<string, string>> = {
  'mp4.mp4': film(`${H264} -c:a aac -b:a 160k`),
  'mov.mov': film(`${H264} -c:a aac -b:a 160k -metadata location=+52.5+013.4/`),
  'avi.avi': film('-c:v mpeg4 -q:v 2 -c:a libmp3lame'),
  'mkv.mkv': film(`${H264} -c:a libvorbis`),
  'webm.webm': film('-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 20 -b:v 2M -c:a libopus'),
  'wmv.wmv': film('-c:v wmv2 -b:v 2M -c:a wmav2'),
  'flv.flv': film('-c:v flv -b:v 2M -c:a libmp3lame -ar 44100'),
  '3gp.3gp': film('-c:v mpeg4 -q:v 2 -c:a aac -ac 1 -ar 16000'),
  'ts.ts': film(`${H264} -c:a aac`),
  'mpg.mpg': film('-c:v mpeg2video -q:v 2 -c:a mp2'),
  'ogv.ogv': film('-c:v libtheora -q:v 9 -c:a libvorbis'),
  'mxf.mxf': film('-c:v mpeg2video -q:v 2 -c:a pcm_s16le'),
  'surround.mp4': `${PICTURE} ${PULSES} -filter_complex [1:a]pan=5.1|FL=0.5*c0|FR=0.4*c0|FC=0.3*c0|LFE=0.1*c0|BL=0.2*c0|BR=0.2*c0[a] -map 0 -map [a] ${H264} -c:a aac`,
  'silent.mp4': `${PICTURE} ${H264}`,
  'variable.mkv': `-f lavfi -i testsrc2=size=320x180:rate=30:duration=3 -vf select=not(mod(n\\,3))+gt(mod(n\\,20)\\,12) -fps_mode vfr ${H264}`,
  'hdr.mp4': `-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -tag:v hvc1`,
};

export const SOUNDS: Readonly<Record<string, string>> = {
  'mp3.mp3': sound('-c:a libmp3lame -b:a 192k -metadata title=Song -metadata artist=Someone'),
  'wav.wav': sound('-c:a pcm_s16le'),
  'aac.aac': sound('-c:a aac -b:a 160k'),
  'm4a.m4a': sound('-c:a aac -b:a 160k'),
  'ogg.ogg': sound('-c:a libvorbis -metadata title=Song'),
  'flac.flac': sound('-c:a flac -sample_fmt s16'),
  'opus.opus': sound('-c:a libopus -b:a 128k'),
  'wma.wma': sound('-c:a wmav2'),
  'aiff.aiff': sound('-c:a pcm_s16be'),
  'ac3.ac3': sound('-c:a ac3'),
  'mka.mka': sound('-c:a flac -sample_fmt s16'),
  'weba.weba': sound('-c:a libopus -f webm'),
  'mono-8k.wav': `${SOUND} -ac 1 -ar 8000 -c:a pcm_s16le`,
  'deep-96k.flac': `${SOUND} -ar 96000 -c:a flac -sample_fmt s32`,
  'surround.wav': `-f lavfi -i sine=300:duration=2 -filter_complex [0:a]pan=5.1|FL=0.5*c0|FR=0.4*c0|FC=0.3*c0|LFE=0.1*c0|BL=0.2*c0|BR=0.2*c0[a] -map [a] -c:a pcm_s24le`,
};

const SIZE = { width: 400, height: 300 };

/** Broad areas and fine lines, not symmetrical: a picture that is turned or of another colour is seen. */
function drawing(channels: 3 | 4): Buffer {
  const { width, height } = SIZE;
  const raw = Buffer.alloc(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * channels;
      raw[at] = x < width / 3 ? 220 : Math.round((x / width) * 160);
      raw[at + 1] = y < height / 2 ? Math.round((y / height) * 200) : 60 + ((x >> 4) % 2) * 90;
      raw[at + 2] = (x + y) % 97 < 48 ? 190 : 40;
      if (channels === 4) raw[at + 3] = x > width * 0.6 && y > height * 0.6 ? 0 : 255;
    }
  }
  return raw;
}

const picture = (channels: 3 | 4 = 3) => sharp(drawing(channels), { raw: { ...SIZE, channels } });

const GPS = {
  GPSLatitudeRef: 'N',
  GPSLatitude: '52/1 31/1 12/1',
  GPSLongitudeRef: 'E',
  GPSLongitude: '13/1 24/1 36/1',
};
const CAMERA = { Make: 'Maker', Model: 'Camera 1', Copyright: 'Someone' };

/** By name: who writes it. */
export const PICTURES: Readonly<Record<string, (path: string, media: MadeMedia) => Promise<unknown>>> = {
  'jpg.jpg': (path) => picture().jpeg({ quality: 95 }).toFile(path),
  'png.png': (path) => picture().png().toFile(path),
  'webp.webp': (path) => picture().webp({ quality: 95 }).toFile(path),
  'gif.gif': (path) => picture().gif().toFile(path),
  'bmp.bmp': async (path, media) => {
    await picture().png().toFile(media.path('for-bmp.png'));
    await media.make(path.slice(path.lastIndexOf('/') + 1), `-i ${media.path('for-bmp.png')} -pix_fmt bgr24`);
  },
  'avif.avif': (path) => picture().avif({ quality: 90 }).toFile(path),
  'heic.heic': async (path, media) => {
    await picture().png().toFile(media.path('for-heic.png'));
    const item = await encodeHevc(media.path('for-heic.png'), 'yuv420p');
    await writeHeic(path, { items: [item] });
  },
  'tiff.tiff': (path) => picture().tiff({ compression: 'lzw' }).toFile(path),
  'alpha.png': (path) => picture(4).png().toFile(path),
  'deep.png': (path) => picture().toColourspace('rgb16').png().toFile(path),
  'grey.jpg': (path) => picture().greyscale().jpeg({ quality: 95 }).toFile(path),
  'cmyk.jpg': (path) => picture().toColourspace('cmyk').jpeg({ quality: 95 }).toFile(path),
  'wide.jpg': (path) => picture().withIccProfile('p3').jpeg({ quality: 95 }).toFile(path),
  'turned.jpg': async (path) => {
    // Lies on its side and says so.
    const side = await picture().rotate(270).jpeg({ quality: 95 }).withExif({ IFD0: CAMERA, IFD3: GPS }).toBuffer();
    await sharp(side).jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toFile(path);
  },
  'moving.gif': (_, media) => media.make('moving.gif', '-f lavfi -i testsrc2=size=160x120:rate=10:duration=1.5'),
  'moving.webp': async (path, media) => {
    const gif = await media.make('for-webp.gif', '-f lavfi -i testsrc2=size=160x120:rate=10:duration=1.5');
    await sharp(gif, { animated: true }).webp({ quality: 90 }).toFile(path);
  },
};

const made = new Map<string, Promise<string>>();

/** The path of a source, which is made once. */
export function makeSource(media: MadeMedia, name: string): Promise<string> {
  const path = media.path(name);
  const known = made.get(path) ?? writeSource(media, name);
  made.set(path, known);
  return known;
}

async function writeSource(media: MadeMedia, name: string): Promise<string> {
  if (name.startsWith('corpus/')) return join(CORPUS, name.slice('corpus/'.length));
  const path = media.path(name);
  const args = FILMS[name] ?? SOUNDS[name];
  if (args !== undefined) await media.make(name, args);
  else if (name === 'turned.mp4') await withMatrix(await makeSource(media, 'mp4.mp4'), path, [0, 1, -1, 0]);
  else await PICTURES[name]?.(path, media);
  return path;
}
