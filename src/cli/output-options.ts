// The options that say what is wanted (`--hls --ladder 1080p,720p`), read by the same schema as the API's. Used by encode and plan.
import type { z } from 'zod';
import { fieldErrors } from '#api/errors.ts';
import { HOUSE_WORDS } from '#api/field-words.ts';
import { outputSchema } from '#api/jobs/output-schema.ts';
import { type Call, type Option, UsageError } from '#cli/command.ts';
import type { Config } from '#config/settings.ts';
import { CONTAINER_FACTS, CONTAINERS, type Container, PRESETS } from '#domain/codec.ts';
import type { Location } from '#domain/location.ts';
import type { OutputSpec } from '#domain/output.ts';

const containerFlags = Object.fromEntries(
  CONTAINERS.map((container): [string, Option] => [
    container,
    { type: 'boolean', about: `make ${describe(container)}` },
  ]),
);

function describe(container: Container): string {
  const { kind } = CONTAINER_FACTS[container];
  if (kind === 'adaptive')
    return container === 'hls' ? 'an HLS stream (the default)' : 'a DASH stream, over the same segments';
  const what = kind === 'animation' ? kind : `${kind} file`;
  return `${/^[ai]/.test(what) ? 'an' : 'a'} ${what}: ${container}`;
}

export const OUTPUT_OPTIONS: Readonly<Record<string, Option>> = {
  ...containerFlags,
  ladder: {
    type: 'string',
    value: 'LIST',
    about: 'renditions of a stream, highest first: 1080p,720p (default: VIDEO_QUALITY_PRESETS)',
  },
  codec: { type: 'string', value: 'NAME', about: 'video codec: h264, hevc, av1, vp9, copy, none' },
  'audio-codec': { type: 'string', value: 'NAME', about: 'audio codec: aac, opus, mp3, flac, copy, none' },
  preset: { type: 'string', value: 'NAME', about: `speed: ${PRESETS.join(', ')}` },
  crf: { type: 'string', value: 'N', about: 'constant quality, lower is better' },
  bitrate: { type: 'string', value: 'RATE', about: 'average video bitrate instead: 2500k, 2.5M' },
  width: { type: 'string', value: 'PIXELS', about: 'width of files; the height follows' },
  height: { type: 'string', value: 'PIXELS', about: 'height of files; the width follows' },
  fps: { type: 'string', value: 'RATE', about: 'frames per second: 25, 30000/1001' },
  start: { type: 'string', value: 'TIME', about: 'begin there: 90, 1:30, 00:01:30.5' },
  duration: { type: 'string', value: 'TIME', about: 'take so much' },
  normalize: { type: 'boolean', about: 'bring the loudness to -16 LUFS' },
  hwaccel: { type: 'string', value: 'KIND', about: 'auto, none, nvenc, qsv, vaapi, videotoolbox' },
  ts: { type: 'boolean', about: 'make an MPEG-TS file' },
  'ts-segments': { type: 'boolean', about: 'MPEG-TS segments in HLS instead of fMP4' },
  'no-copy': { type: 'boolean', about: 'encode every rendition, also where the source could be copied' },
};

/** The wanted containers, in the order of the list; HLS where none was named. */
function wantedContainers({ flags }: Call): Container[] {
  const named = CONTAINERS.filter((container) => flags.has(container));
  return named.length > 0 ? named : ['hls'];
}

/** @throws UsageError naming the option that is wrong and what is allowed */
export function readOutputs(
  call: Call,
  config: Config,
  destination: (container: Container) => Location | null,
): OutputSpec[] {
  const schema = outputSchema(config);
  return wantedContainers(call).map((container) => {
    const parsed = schema.safeParse(wish(call, container), HOUSE_WORDS);
    if (!parsed.success) throw new UsageError(explain(parsed.error));
    return { ...parsed.data, destination: destination(container) };
  });
}

const OPTION_OF_FIELD: Readonly<Record<string, string>> = {
  videoCodec: 'codec',
  audioCodec: 'audio-codec',
  videoBitrate: 'bitrate',
  renditions: 'ladder',
};

function explain({ issues }: z.ZodError): string {
  const [first] = fieldErrors(issues);
  const field = first?.path.split('.')[0] ?? '';
  return `--${OPTION_OF_FIELD[field] ?? field}: ${first?.message ?? 'is not valid'}`;
}

/** One output in the words of the API; an option that has no meaning in a container is left out of it. */
function wish({ flags, values }: Call, container: Container): Readonly<Record<string, unknown>> {
  const { kind } = CONTAINER_FACTS[container];
  const moves = kind === 'adaptive' || kind === 'video' || kind === 'film';
  const sounds = moves || kind === 'audio';
  const sized = kind !== 'audio' && !(kind === 'adaptive' && values.has('ladder'));
  const number = (name: string) => (values.has(name) ? Number(values.get(name)) : undefined);
  const fields = {
    container,
    ...(moves
      ? {
          videoCodec: values.get('codec'),
          preset: values.get('preset'),
          crf: number('crf'),
          videoBitrate: values.get('bitrate'),
        }
      : {}),
    ...(sounds ? { audioCodec: values.get('audio-codec'), normalizeAudio: flags.has('normalize') } : {}),
    ...(sized ? { width: number('width'), height: number('height') } : {}),
    ...(kind === 'adaptive'
      ? {
          renditions: values
            .get('ladder')
            ?.split(',')
            .map((name) => name.trim()),
        }
      : {}),
    ...(kind === 'audio' ? {} : { fps: values.get('fps') }),
    ...(container === 'hls' && flags.has('ts-segments') ? { segmentFormat: 'ts' } : {}),
    ...(flags.has('no-copy') ? { passthrough: 'never' } : {}),
    start: values.get('start'),
    duration: values.get('duration'),
    hwaccel: values.get('hwaccel'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
