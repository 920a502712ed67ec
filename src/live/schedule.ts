// Starts and stops channels at their times. Asked by the supervisor with the span of time since it was last asked.
import { Cron } from 'croner';
import type { Channel } from '#domain/channel.ts';

export type Span = { readonly after: Date; readonly until: Date };
export type Due = 'start' | 'stop';

/** What fell due in a span; the later one counts where both did. Pure. */
export function dueIn({ spec }: Pick<Channel, 'spec'>, span: Span): Due | null {
  const start = latest(span, [cronTime(spec.startCron, spec.timezone, span), timeOf(spec.startAt)]);
  const stop = latest(span, [cronTime(spec.stopCron, spec.timezone, span), timeOf(spec.stopAt)]);
  if (start === null && stop === null) return null;
  return (start ?? 0) > (stop ?? 0) ? 'start' : 'stop';
}

const timeOf = (text: string | null): number | null => (text === null ? null : Date.parse(text));

function latest({ after, until }: Span, times: readonly (number | null)[]): number | null {
  const inside = times.filter((time) => time !== null && time > after.getTime() && time <= until.getTime());
  return inside.length > 0 ? Math.max(...inside.map(Number)) : null;
}

/** The last time of a pattern up to the end of the span. Looked for backwards: a clock that was set, or a machine that slept, makes spans of years. */
function cronTime(pattern: string | null, timezone: string | null, { until }: Span): number | null {
  if (pattern === null) return null;
  const cron = new Cron(pattern, { paused: true, timezone: timezone ?? 'UTC' });
  // What it is given does not count itself.
  const [last] = cron.previousRuns(1, new Date(until.getTime() + 1));
  return last?.getTime() ?? null;
}
