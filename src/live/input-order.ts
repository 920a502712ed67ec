// Which input is on air after which, and how long one may be silent. Pure; used by channel-inputs.ts.
import type { ChannelInput, ChannelSpec, LiveInputName } from '#domain/channel.ts';
import { isListening } from '#domain/channel-rules.ts';
import type { LivePlan } from '#media/live-plan.ts';

/** Seconds without a picture until the next input is taken, where the channel names none. HLS comes in pieces. */
const FAILOVER = 1.2;
const FAILOVER_HLS = 12;
/** Seconds that an input may take to open while another one waits. */
const OPENING = 5;
/** Seconds that an input must be sound before it takes the slate's place. */
const AFTER_SLATE = 2;

/** The input to take when one fails: the best that is ready, else the slate; null where there is neither. */
export function nextInput(
  spec: ChannelSpec,
  name: LiveInputName,
  isReady: (name: LiveInputName) => boolean,
): LiveInputName | null {
  const ready = (['primary', 'fallback'] as const).find((other) => other !== name && isReady(other));
  return ready ?? (name === 'slate' || spec.slate === 'off' ? null : 'slate');
}

/** null for the slate. */
export function inputNamed(spec: ChannelSpec, name: LiveInputName): ChannelInput | null {
  if (name === 'slate') return null;
  return name === 'primary' ? spec : spec.fallbackInput;
}

/** Inputs that are better than the one on air, and how many seconds each must be sound to take its place. */
export function betterInputs(
  { fallbackInput, fallbackReturnSeconds }: ChannelSpec,
  name: LiveInputName,
): { readonly names: readonly LiveInputName[]; readonly stableSeconds: number } {
  if (name === 'primary') return { names: [], stableSeconds: 0 };
  if (name === 'fallback') return { names: ['primary'], stableSeconds: fallbackReturnSeconds };
  return { names: fallbackInput ? ['primary', 'fallback'] : ['primary'], stableSeconds: AFTER_SLATE };
}

/** Size and rate of a picture of our own: the largest that is made. */
export function ownPicture({ renditions, frameRate }: LivePlan): { width: number; height: number; rate: number } {
  const sized = renditions.filter(({ height }) => height !== null);
  const height = sized.reduce((best, one) => Math.max(best, one.height ?? 0), 0) || 720;
  const width = sized.find((one) => one.height === height)?.width ?? Math.round((height * 16) / 9 / 2) * 2;
  return { width, height, rate: frameRate ?? 25 };
}

export type Patience = {
  readonly name: LiveInputName;
  readonly hadFrames: boolean;
  /** A publisher that was waited for is there. */
  readonly isLive: boolean;
  /** Another one can take its place. */
  readonly hasOther: boolean;
  /** CHANNEL_WATCHDOG_SECONDS */
  readonly watchdog: number;
};

/** Seconds that an input may be silent. */
export function patienceWith(spec: ChannelSpec, { name, hadFrames, isLive, hasOther, watchdog }: Patience): number {
  const input = inputNamed(spec, name);
  // Publishers may be waited for as long as it takes; what has no substitute is not left early.
  if (!hasOther) return input && isListening(input) && !hadFrames && !isLive ? Number.POSITIVE_INFINITY : watchdog;
  const failover = failoverOf(spec, input);
  return Math.min(watchdog, hadFrames ? failover : Math.max(failover, OPENING));
}

/** Seconds without a picture until another input is taken. */
export const failoverOf = ({ failoverSeconds }: ChannelSpec, input: ChannelInput | null): number =>
  failoverSeconds ?? (input?.inputType === 'hls' ? FAILOVER_HLS : FAILOVER);
