// What the end of a run means: why it ended, whether anybody failed, what is said when nothing is tried any more. Pure; used by channel-runner.ts.
import { PlatformError } from '#domain/error.ts';
import type { Outcome } from '#live/encoder-run.ts';

export const MOST_RETRIES = 5;
/** Seconds; a listener that fails sooner could not listen at all. */
const HAS_LISTENED = 2;

/** Of a run that never began. */
export const nothing = (kind: Outcome['kind']): Outcome => ({
  kind,
  error: null,
  isPermanent: false,
  hadFrames: false,
  isWhole: false,
  seconds: 0,
});

/** Why a run ended that gives no reason itself. @param watchdog seconds without a picture after which it was ended */
export function reasonOf({ kind }: Pick<Outcome, 'kind'>, watchdog: number): PlatformError {
  if (kind === 'silent')
    return new PlatformError(
      'source_unreachable',
      `No picture came within ${watchdog} seconds (CHANNEL_WATCHDOG_SECONDS)`,
    );
  if (kind === 'frozen') return new PlatformError('encode_failed', 'FFmpeg was stopped by a signal');
  return new PlatformError('source_unreachable', 'The input came to its end');
}

/** Of an input that waits for whoever sends: whether nobody does any more, or has yet. */
export const hasPublisherLeft = ({ kind, hadFrames, isPermanent, seconds }: Outcome): boolean =>
  kind === 'ended' || (kind === 'failed' && !hadFrames && !isPermanent && seconds > HAS_LISTENED);

/** The reason, and what to do now that nothing is tried any more. */
export const exhausted = ({ code, message }: PlatformError): PlatformError =>
  new PlatformError(
    code,
    `${message.replace(/\.$/, '')}. Given up after ${MOST_RETRIES} retries: put that right (the log says more), then start the channel again`,
  );
