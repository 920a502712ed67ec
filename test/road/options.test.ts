// Options of an output, each judged by what comes out: loudness, exact parts, sizes, channels, tracks, subtitles, pictures.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import sharp from 'sharp';
import { describeMedia, needTool, readFrames, readMaster } from '../kit/decode.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';
import { runJob, urlOf } from './check-result.ts';
import { readNumbers } from './film.ts';
import { make, makeSources, WIDTH } from './option-sources.ts';

let folder = '';
let server: RenditionServer;
const QUICK = { preset: 'ultrafast', storyboard: false, instant: false } as const;

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-options-`);
  await makeSources(folder);
  server = await startOnFreshDatabase();
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (file: string, ...outputs: object[]) => runJob(server, `${folder}/${file}`, outputs);

/** Integrated loudness as EBU R128 measures it, LUFS. */
async function loudnessOf(url: string): Promise<number> {
  const { stderr } = await needTool('ffmpeg', [
    '-hide_banner',
    '-nostdin',
    '-i',
    url,
    '-map',
    '0:a:0',
    '-af',
    'ebur128',
    '-f',
    'null',
    '-',
  ]);
  return Number(/I:\s+(-?[\d.]+) LUFS(?![\s\S]*I:\s)/.exec(stderr)?.[1]);
}

/** Matroska has no negative times: FFmpeg moves all tracks by the sound's priming, 23 ms, in the source and in the result. */
const TEXT =
  /00:00:01,0[0-4]\d --> 00:00:02,0[0-4]\d\r?\nHello[\s\S]*00:00:06,5[0-4]\d --> 00:00:07,5[0-4]\d\r?\nAgain & <i>again<\/i>/;

const streamsOf = async (url: string) => (await describeMedia(url)).streams;

describe('options of an output', { concurrency: 1 }, () => {
  test('loudness is brought to -16 LUFS within one unit, whatever it was', async () => {
    for (const file of ['quiet.wav', 'peaks.wav', 'surround.wav']) {
      const before_ = await loudnessOf(`${folder}/${file}`);
      assert.ok(Math.abs(before_ + 16) > 3, `${file} is at ${before_}`);
      const surround = file === 'surround.wav' ? [{ container: 'flac', normalizeAudio: true, audioChannels: 6 }] : [];
      const id = await run(
        file,
        { container: 'm4a', normalizeAudio: true },
        { container: 'hls', normalizeAudio: true },
        ...surround,
      );
      const { audio, variants } = await readMaster(await urlOf(server, id, 1));
      const urls = [
        await urlOf(server, id, 0),
        audio[0] ?? variants[0]?.url ?? '',
        ...(surround.length > 0 ? [await urlOf(server, id, 2)] : []),
      ];
      for (const url of urls) {
        const loudness = await loudnessOf(url);
        assert.ok(Math.abs(loudness + 16) <= 1, `${file}, ${url}: ${before_} became ${loudness} LUFS`);
      }
    }
  });

  test('a part is exact to the frame, wherever keyframes are', async () => {
    const parts = [
      { start: 0, duration: 1 },
      { start: 7.4, duration: 2.2 },
      { start: '00:00:21.04', duration: 0.4 },
      { start: 29 },
    ];
    const id = await run('film.mp4', ...parts.map((part) => ({ ...QUICK, container: 'mp4', ...part })), {
      ...QUICK,
      container: 'hls',
      renditions: ['108p', '54p'],
      start: 9.96,
      duration: 8,
    });
    const wanted = [
      [0, 25],
      [185, 55],
      [526, 10],
      [725, 25],
    ];
    for (const [i, [first = 0, count = 0]] of wanted.entries()) {
      const numbers = await readNumbers(await urlOf(server, id, i), 1);
      assert.deepEqual(
        numbers,
        Array.from({ length: count }, (_, n) => first + n),
        JSON.stringify(parts[i]),
      );
      const [video, audio] = await streamsOf(await urlOf(server, id, i));
      assert.ok(video && audio);
    }
    const { variants } = await readMaster(await urlOf(server, id, 4));
    for (const { url, width } of variants)
      assert.deepEqual(
        await readNumbers(url, width / WIDTH),
        Array.from({ length: 200 }, (_, n) => 249 + n),
        url,
      );
  });

  test('sizes: inside, cropped, padded, stretched; one side alone keeps the aspect', async () => {
    const wishes = [
      { width: 100, height: 100 },
      { width: 100, height: 100, fit: 'cover' },
      { width: 100, height: 100, fit: 'pad' },
      { width: 100, height: 100, fit: 'fill' },
      { width: 97 },
      { height: 54 },
      { width: 4000 },
    ];
    const id = await run('film.mp4', ...wishes.map((wish) => ({ ...QUICK, container: 'mp4', duration: 0.2, ...wish })));
    const sizes = await Promise.all(wishes.map(async (_, i) => (await streamsOf(await urlOf(server, id, i)))[0]));
    assert.deepEqual(
      sizes.map((one) => [one?.width, one?.height, one?.pixelAspect]),
      [
        [100, 56, 1],
        [100, 100, 1],
        [100, 100, 1],
        [100, 100, 1],
        [98, 54, 1],
        [96, 54, 1],
        [192, 108, 1],
      ],
    );
    const bars = await needTool('ffmpeg', [
      '-v',
      'error',
      '-i',
      await urlOf(server, id, 2),
      '-frames:v',
      '1',
      '-vf',
      'crop=100:20:0:0,scale=1:1,format=gray',
      '-f',
      'rawvideo',
      '-',
    ]);
    assert.ok((bars.stdout[0] ?? 255) < 24, 'padded with black');
  });

  test('channels: 5.1 stays where it is asked for, else becomes stereo; mono on request', async () => {
    const wishes = [
      { container: 'flac' },
      { container: 'm4a', audioChannels: 6 },
      { container: 'm4a' },
      { container: 'mp3', audioChannels: 1, audioSampleRate: 22050 },
      { container: 'hls', audioChannels: 6 },
    ];
    const id = await run('surround.wav', ...wishes);
    const found = await Promise.all(
      wishes.map(async ({ container }, i) => {
        const url = await urlOf(server, id, i);
        const { audio, variants } = container === 'hls' ? await readMaster(url) : { audio: [url], variants: [] };
        const [sound] = await streamsOf(audio[0] ?? variants[0]?.url ?? '');
        return [sound?.channels, sound?.sampleRate];
      }),
    );
    assert.deepEqual(found, [
      [6, 48000],
      [6, 48000],
      [2, 48000],
      [1, 22050],
      [6, 48000],
    ]);
    // The centre's tone is still in the centre.
    const centre = await needTool('ffmpeg', [
      '-hide_banner',
      '-i',
      await urlOf(server, id, 1),
      '-af',
      'pan=mono|c0=FC,bandpass=f=700:w=100,volumedetect',
      '-f',
      'null',
      '-',
    ]);
    const left = await needTool('ffmpeg', [
      '-hide_banner',
      '-i',
      await urlOf(server, id, 1),
      '-af',
      'pan=mono|c0=FL,bandpass=f=700:w=100,volumedetect',
      '-f',
      'null',
      '-',
    ]);
    const level = ({ stderr }: { stderr: string }) => Number(/mean_volume: (-?[\d.]+)/.exec(stderr)?.[1]);
    assert.ok(level(centre) - level(left) > 12, `${level(centre)} and ${level(left)} dB`);
  });

  test('all sound tracks and text subtitles are carried, with their languages', async () => {
    const id = await run(
      'tracks.mkv',
      ...['mp4', 'mkv', 'webm'].map((container) => ({ ...QUICK, container, width: 96 })),
      { ...QUICK, container: 'hls', renditions: ['54p'] },
      { ...QUICK, container: 'mkv', width: 96, start: 1.5, duration: 6 },
    );
    const seen = async (i: number) => {
      const { stdout } = await needTool('ffprobe', [
        '-v',
        'error',
        '-show_entries',
        'stream=codec_name,codec_type:stream_tags=language',
        '-of',
        'json',
        await urlOf(server, id, i),
      ]);
      const { streams } = JSON.parse(stdout.toString()) as {
        streams: { codec_name: string; tags?: { language?: string } }[];
      };
      return streams.map(({ codec_name, tags }) => `${codec_name} ${tags?.language ?? '-'}`.replace(' und', ' -'));
    };
    assert.deepEqual(await seen(0), ['h264 -', 'aac eng', 'aac deu', 'mov_text fra']);
    assert.deepEqual(await seen(1), ['h264 -', 'aac eng', 'aac deu', 'subrip fra']);
    assert.deepEqual(await seen(2), ['vp9 -', 'opus eng', 'webvtt fra'], 'a WebM has one sound');
    for (const i of [0, 1, 2]) {
      const { stdout } = await needTool('ffmpeg', [
        '-v',
        'error',
        '-copyts',
        '-i',
        await urlOf(server, id, i),
        '-map',
        '0:s:0',
        '-f',
        'srt',
        '-',
      ]);
      assert.match(stdout.toString(), TEXT, String(i));
    }
    const part = await needTool('ffmpeg', [
      ...['-v', 'error', '-copyts', '-i', await urlOf(server, id, 4)],
      ...['-map', '0:s:0', '-f', 'srt', '-'],
    ]);
    const times = [...part.stdout.toString().matchAll(/([\d:,]+) --> ([\d:,]+)/g)].map(([, from, to]) => [
      secondsOf(from),
      secondsOf(to),
    ]);
    for (const [i, [from, to]] of [
      [0, 0.5],
      [5, 6],
    ].entries()) {
      assert.ok(Math.abs((times[i]?.[0] ?? NaN) - (from ?? NaN)) < 0.05, JSON.stringify(times));
      assert.ok(Math.abs((times[i]?.[1] ?? NaN) - (to ?? NaN)) < 0.05, JSON.stringify(times));
    }
    const master = await urlOf(server, id, 3);
    const text = await (await fetch(master)).text();
    assert.equal([...text.matchAll(/TYPE=AUDIO/g)].length, 2);
    assert.match(text, /TYPE=AUDIO[^\n]*LANGUAGE="en[^\n]*DEFAULT=YES/);
    const uri = /TYPE=SUBTITLES[^\n]*URI="([^"]+)"/.exec(text)?.[1] ?? '';
    const list = await (await fetch(new URL(uri, master))).text();
    const vtt = await (await fetch(new URL(/^[^#\s].*$/m.exec(list)?.[0] ?? '', new URL(uri, master)))).text();
    assert.match(vtt, /^WEBVTT[\s\S]*00:01\.0[0-4]\d --> 00:02\.0[0-4]\d[\s\S]*00:06\.5[0-4]\d --> /);
    const second = (await readMaster(master)).audio[1] ?? '';
    const { stderr } = await needTool('ffmpeg', [
      '-hide_banner',
      '-i',
      second,
      '-af',
      'bandpass=f=880:w=50,volumedetect',
      '-f',
      'null',
      '-',
    ]);
    assert.ok(Number(/mean_volume: (-?[\d.]+)/.exec(stderr)?.[1]) > -40, 'the second track is the tone of 880 Hz');
  });

  test('thumbnails: so many, every so often, on one sheet with its times', async () => {
    const id = await run(
      'film.mp4',
      { ...QUICK, container: 'mp4', width: 96, duration: 20, thumbnails: { count: 4, width: 64, format: 'png' } },
      { ...QUICK, container: 'mp4', width: 96, duration: 20, thumbnails: { every: 5, width: 96, format: 'webp' } },
      {
        ...QUICK,
        container: 'hls',
        renditions: ['54p'],
        duration: 20,
        thumbnails: { every: 4, width: 80, sprite: true },
      },
    );
    const thumbnailsOf = async (i: number) => {
      const { outputs } = (await server.job(id)) as unknown as {
        outputs: { result: { thumbnails: string[]; files: { url: string; name: string }[] } }[];
      };
      return outputs[i]?.result ?? { thumbnails: [], files: [] };
    };
    const picture = async (url: string) => sharp(Buffer.from(await (await fetch(url)).arrayBuffer())).metadata();
    const [counted, spaced, sheet] = [await thumbnailsOf(0), await thumbnailsOf(1), await thumbnailsOf(2)];
    assert.deepEqual([counted.thumbnails.length, spaced.thumbnails.length, sheet.thumbnails.length], [4, 4, 1]);
    const first = await picture(counted.thumbnails[0] ?? '');
    assert.deepEqual([first.format, first.width, first.height], ['png', 64, 36]);
    const webp = await picture(spaced.thumbnails[1] ?? '');
    assert.deepEqual([webp.format, webp.width, webp.height], ['webp', 96, 54]);
    // The second of one every five seconds is frame 125.
    await writeFile(
      `${folder}/second.webp`,
      Buffer.from(await (await fetch(spaced.thumbnails[1] ?? '')).arrayBuffer()),
    );
    await make(
      '-i',
      `${folder}/second.webp`,
      '-vf',
      `scale=${WIDTH}:108:flags=neighbor`,
      '-c:v',
      'png',
      `${folder}/second.png`,
    );
    assert.deepEqual(await readNumbers(`${folder}/second.png`, 1), [125]);
    const vttUrl = sheet.files.find(({ name }) => name === 'thumbnails.vtt')?.url ?? '';
    const vtt = await (await fetch(vttUrl)).text();
    const cues = [...vtt.matchAll(/^([\d:.]+) --> [\d:.]+\r?\n\S+#xywh=(\d+),(\d+),(\d+),(\d+)/gm)];
    assert.deepEqual(
      cues.map(([, from]) => from),
      ['00:00:00.000', '00:00:04.000', '00:00:08.000', '00:00:12.000', '00:00:16.000'],
    );
    const size = await picture(sheet.thumbnails[0] ?? '');
    for (const [, , x, y, w, h] of cues)
      assert.ok(Number(x) + Number(w) <= size.width && Number(y) + Number(h) <= size.height);
  });

  test('frame rate, rates of bits, and nothing but sound or picture', async () => {
    const id = await run(
      'film.mp4',
      { ...QUICK, container: 'mp4', width: 96, fps: '30000/1001', duration: 4 },
      { ...QUICK, container: 'mp4', videoBitrate: '300k', duration: 10, rateControl: 'two-pass' },
      { ...QUICK, container: 'mp4', audioCodec: 'none', duration: 1 },
      { ...QUICK, container: 'mp4', videoCodec: 'none', duration: 1 },
    );
    const [first, second, silent, blind] = await Promise.all([0, 1, 2, 3].map((i) => urlOf(server, id, i)));
    const [video] = await streamsOf(first ?? '');
    assert.ok(video);
    const frames = await readFrames(first ?? '', video);
    assert.equal(frames.length, 120);
    assert.ok(frames.every(({ time }, n) => Math.abs(time - (n * 1001) / 30000) < 0.001));
    const bits = Number(
      (
        await needTool('ffprobe', [
          '-v',
          'error',
          '-select_streams',
          'v',
          '-show_entries',
          'stream=bit_rate',
          '-of',
          'csv=p=0',
          second ?? '',
        ])
      ).stdout,
    );
    assert.ok(bits > 200_000 && bits < 345_000, String(bits));
    assert.deepEqual(
      [(await streamsOf(silent ?? '')).map(({ type }) => type), (await streamsOf(blind ?? '')).map(({ type }) => type)],
      [['video'], ['audio']],
    );
  });
});

/** Of `00:00:05,023`, as SubRip writes it. */
const secondsOf = (time = ''): number =>
  time.split(/[:,]/).reduce((sum, part, i) => sum + Number(part) * ([3600, 60, 1, 0.001][i] ?? 0), 0);
