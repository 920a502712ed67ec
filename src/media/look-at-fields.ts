// Asks the first pictures whether they are made of fields, of codecs whose headers do not say it. Used by probe.ts.
import type { FieldOrder, SourceFacts } from '#domain/source-facts.ts';
import { runMedia } from '#media/ffmpeg.ts';
import type { MediaInput, MediaLimits, MediaTool } from '#media/tool.ts';
import { inputArguments } from '#media/whitelist.ts';

/** MPEG-4 Part 2 says it of each picture alone (ISO/IEC 14496-2 §6.2.5: interlaced, top_field_first). */
const SAID_BY_PICTURES = new Set(['mpeg4']);
const PICTURES = 12;

type Looked = {
  readonly tool: MediaTool;
  readonly input: MediaInput;
  readonly limits: MediaLimits;
  readonly signal?: AbortSignal;
};

/** The same facts, with the order of the fields where most of the first pictures have any. */
export async function lookAtFields({ tool, input, limits, signal }: Looked, facts: SourceFacts): Promise<SourceFacts> {
  const { video } = facts;
  if (video?.fieldOrder !== 'unknown' || !SAID_BY_PICTURES.has(video.codec)) return facts;
  let text = '';
  await runMedia({
    program: tool.ffprobe,
    args: [
      ...['-v', 'error', '-select_streams', String(video.streamIndex), '-read_intervals', `%+#${PICTURES}`],
      ...['-show_entries', 'frame=interlaced_frame,top_field_first', '-of', 'compact=p=0:nk=1'],
      ...inputArguments(input),
    ],
    limits: limits.child,
    timeLimit: limits.probeTimeLimit,
    ...(signal ? { signal } : {}),
    onStdout: async (stdout) => {
      for await (const bytes of stdout) text += bytes;
    },
  });
  return { ...facts, video: { ...video, fieldOrder: orderOf(text.split('\n')) } };
}

/** @param lines `1|0` of each picture: whether it is of fields, and whether the upper one comes first */
function orderOf(lines: readonly string[]): FieldOrder {
  const pictures = lines.filter((line) => /^[01]\|[01]/.test(line));
  const fields = pictures.filter((line) => line.startsWith('1'));
  if (fields.length * 2 <= pictures.length) return 'unknown';
  return fields[0]?.startsWith('1|1') ? 'tt' : 'bb';
}
