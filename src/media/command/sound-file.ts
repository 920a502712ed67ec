// The command of a sound file: its part of the source, coded or copied, with tags and cover. Facts in, string[] out.
import type { AudioCodec } from '#domain/codec.ts';
import type { SoundFilePlan } from '#domain/plan.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { type SoundSpan, soundEncoder, soundSeek, takeSound } from '#media/command/audio.ts';
import { PREAMBLE } from '#media/command/chunk.ts';
import { type DirectOptions, fileOutput, trackMetadata } from '#media/command/file.ts';
import { seconds } from '#media/command/picture.ts';

/** Tags that tell where a recording was made, as MP4, MOV, Matroska and phones name them. An empty value removes a tag. */
const PLACES = [
  'location',
  'location-eng',
  'com.apple.quicktime.location.ISO6709',
  'com.apple.quicktime.location.name',
  'com.apple.quicktime.location.accuracy.horizontal',
  'com.android.location',
  'xyz',
  'geo',
  'gps',
  'gps_latitude',
  'gps_longitude',
];

/** What FFmpeg tells of an MP4 as if somebody had tagged it so; other formats would carry it on. */
const BRANDS = ['major_brand', 'minor_version', 'compatible_brands'];

/** A sound file. */
export function soundFileCommand({
  container,
  direct,
  facts,
  inputArguments,
  loudness,
  path,
}: DirectOptions): string[] {
  const span = { start: direct.start, duration: direct.duration };
  const codec = direct.audioCodec === 'copy' ? null : direct.audioCodec;
  const cover = direct.sound?.cover ?? null;
  const track = trackOf(facts, direct);
  const [streamIndex = 0] = direct.audioStreams;
  return [
    ...PREAMBLE,
    // Filters know the source's own clock; of packets FFmpeg itself takes the beginning away, wherever that clock starts.
    ...(codec === null ? copySeek(span, facts) : ['-copyts', ...soundSeek(span, facts.startTime)]),
    ...inputArguments,
    ...(codec === null
      ? ['-map', `0:${streamIndex}`]
      : takeSound({ streamIndex, span, heard: { track, channels: direct.channels }, loudness })),
    ...(cover === null ? ['-vn'] : ['-map', `0:${cover}`, '-c:v', 'copy', '-disposition:v:0', 'attached_pic']),
    '-sn',
    '-dn',
    ...(codec === null
      ? [...copyLength(span, facts), '-c:a', 'copy']
      : [
          ...soundEncoder({ ...direct, codec, bitrate: direct.audioBitrate }),
          ...sampleArguments(codec, direct.sound?.bits),
        ]),
    ...tagArguments(facts, direct.sound),
    ...(direct.sound?.tags === 'none' ? [] : languageArguments(track?.language ?? null)),
    ...fileOutput(container, path),
  ];
}

export const trackOf = ({ audio }: SourceFacts, { audioStreams: [first = 0] }: DirectOptions['direct']) =>
  audio.find(({ streamIndex }) => streamIndex === first);

const copySeek = ({ start }: SoundSpan, { startTime }: SourceFacts): string[] =>
  start > startTime + 0.001 ? ['-seek_timestamp', '1', '-ss', seconds(start)] : [];

const copyLength = ({ start, duration }: SoundSpan, facts: SourceFacts): string[] =>
  start + duration < facts.startTime + facts.duration - 0.001 ? ['-t', seconds(duration)] : [];

/** Left to itself FFmpeg takes the depth of the decoder, and decoders of lossy codecs have floats: 24 bits for nothing. */
function sampleArguments(codec: AudioCodec, bits: 16 | 24 | undefined): string[] {
  if (bits === undefined) return [];
  if (codec === 'wav') return bits === 24 ? ['-c:a', 'pcm_s24le'] : [];
  if (codec === 'pcm_s16be') return bits === 24 ? ['-c:a', 'pcm_s24be'] : [];
  // What ALAC calls its samples is planar.
  if (codec === 'alac')
    return bits === 24 ? ['-sample_fmt', 's32p', '-bits_per_raw_sample', '24'] : ['-sample_fmt', 's16p'];
  if (codec !== 'flac') return [];
  return bits === 24 ? ['-sample_fmt', 's32', '-bits_per_raw_sample', '24'] : ['-sample_fmt', 's16'];
}

/** MP4 and Ogg say it of the stream, all others of the file. */
function languageArguments(language: string | null): string[] {
  const ofStream = trackMetadata([{ language }], 'a');
  return ofStream.length > 0 ? [...ofStream, '-metadata', `language=${language}`] : [];
}

function tagArguments({ container, audio }: SourceFacts, sound: SoundFilePlan | undefined): string[] {
  if (!sound || sound.tags === 'none') return ['-map_metadata', '-1'];
  // Ogg keeps its tags with the stream; all others with the file.
  const from = container === 'ogg' && audio[0] ? `0:s:${audio[0].streamIndex}` : '0';
  const dropped = [...(sound.tags === 'all' ? [] : PLACES), ...(container.split(',').includes('mov') ? BRANDS : [])];
  return ['-map_metadata', from, ...dropped.flatMap((name) => ['-metadata', `${name}=`])];
}
