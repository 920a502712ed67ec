// Runs one FFmpeg command of a task: its command line and words go to the job's log, its failure gets a name. Used by every executor.
import { PlatformError } from '#domain/error.ts';
import { decoderArguments } from '#media/decoders.ts';
import { type RunOptions, type RunResult, runMedia } from '#media/ffmpeg.ts';
import { inputArguments, ownInputArguments } from '#media/whitelist.ts';
import type { Platform } from '#workflows/platform.ts';
import { runMark } from '#workflows/run-mark.ts';
import type { TaskContext } from '#workflows/task-context.ts';

export type CommandOptions = Pick<RunOptions, 'sinks' | 'feeds' | 'onProgress' | 'onLog'> & {
  readonly args: readonly string[];
  /** True: the caller judges the exit code itself. */
  readonly mayFail?: boolean;
  /** Somebody waits for it: it yields to nothing else, not even to other work of ours. */
  readonly isUrgent?: boolean;
};

/** Arguments that open the job's source: whitelisted, or our own normalised picture. */
export function sourceArguments(
  { tool }: Pick<Platform, 'tool'>,
  context: Pick<TaskContext, 'input' | 'facts'>,
): string[] {
  const { video } = context.facts;
  if (context.facts.isStill && context.input.kind === 'file') return ownInputArguments(context.input.path, 'png_pipe');
  return [...(video ? decoderArguments(video, tool) : []), ...inputArguments(context.input, context.facts.container)];
}

/** Said of every JPEG that is written with the full range we set: it would hide what is worth reading. */
const EVERY_JPEG = /deprecated pixel format used, make sure you did set range correctly/;

/**
 * Runs FFmpeg for a task.
 * @throws PlatformError by what FFmpeg said: `disk_full`, `unsupported_media`, `corrupt_media`, `encode_failed`; `encode_timeout`, `canceled`.
 */
export async function runCommand(
  platform: Pick<Platform, 'tool' | 'limits'>,
  context: Pick<TaskContext, 'log' | 'timeLimit' | 'signal' | 'scratch'>,
  options: CommandOptions,
): Promise<RunResult> {
  const { tool, limits } = platform;
  context.log(`$ ffmpeg ${options.args.map(shellWord).join(' ')}`);
  const result = await runMedia({
    program: tool.ffmpeg,
    args: options.args,
    limits: options.isUrgent ? { ...limits.child, niceness: 0 } : limits.child,
    timeLimit: context.timeLimit,
    signal: context.signal,
    cwd: context.scratch,
    runId: runMark(),
    onLog: (line) => {
      if (!EVERY_JPEG.test(line)) context.log(line);
      options.onLog?.(line);
    },
    ...(options.sinks ? { sinks: options.sinks } : {}),
    ...(options.feeds ? { feeds: options.feeds } : {}),
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  if (!options.mayFail && (result.exitCode !== 0 || result.signal)) throw commandFailure(result);
  return result;
}

/** What FFmpeg ends with where two thirds of what it decoded made no sense (its `-max_error_rate`). */
const MOSTLY_BROKEN = 69;

/** What a failed FFmpeg means, read from its last lines. */
export function commandFailure(result: RunResult): PlatformError {
  const said = result.tail.join('\n');
  const last = tellingLine(result.tail);
  if (/No space left on device|ENOSPC/.test(said))
    return new PlatformError('disk_full', 'The disk filled up while encoding');
  if (result.signal === 'SIGXFSZ') return new PlatformError('media_limit', 'A result grew beyond CHILD_FILE_BYTES');
  if (/Cannot allocate memory|std::bad_alloc/.test(said))
    return new PlatformError('media_limit', 'Decoding needs more memory than CHILD_MEMORY_BYTES allows');
  if (/not on whitelist|Decoder .*not found|Decoding requested, but no decoder/.test(said)) {
    return new PlatformError('unsupported_media', `The source cannot be decoded here: ${last}`);
  }
  if (result.exitCode === MOSTLY_BROKEN)
    return new PlatformError('corrupt_media', `Most of the picture or of a sound cannot be decoded: ${last}`);
  if (wasKilled(result)) return new PlatformError('encode_failed', `${KILLED} (${result.signal ?? 'a signal'})`);
  const how = result.signal ? `was ended by ${result.signal}` : `ended with code ${result.exitCode}`;
  return new PlatformError('encode_failed', `FFmpeg ${how}: ${last || 'it said nothing'}`);
}

/** How the failure of a run begins that somebody else ended. */
export const KILLED = 'FFmpeg was killed from outside';

/**
 * The system that was short of memory, or its administrator: that says nothing of the source. What is asked to end ends with 255 and
 * without an error.
 */
export const wasKilled = ({ signal, exitCode, tail }: RunResult): boolean =>
  signal === 'SIGKILL' || (exitCode === 255 && !tail.some((line) => /\[(error|fatal)\]/.test(line)));

/** What FFmpeg says when an encoder or a muxer did not start: how a run ended, not why. */
const NOT_STARTED =
  /Error initializing output stream|Error while opening encoder|Could not write header|Error opening output file/;

/** Whether it was the writing side that did not start: nothing was said of the source then. */
export const outputRefused = ({ tail }: RunResult): boolean => tail.some((line) => NOT_STARTED.test(line));

/** The line that says why: the last error before those that follow from it, and before what encoders say when they are closed. */
function tellingLine(tail: readonly string[]): string {
  const errors = tail.filter((line) => /\[(error|fatal)\]/.test(line));
  return errors.findLast((line) => !NOT_STARTED.test(line)) ?? errors.at(-1) ?? tail.at(-1) ?? '';
}

/** One argument as a shell would need it: the log's command line can be pasted. */
function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
