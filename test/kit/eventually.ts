// Waits for something that comes true by itself: asks again until it holds or time is up.
import { setTimeout as sleep } from 'node:timers/promises';

export type Patience<Answer> = {
  /** Whether an answer is the one that is waited for; left out, any is that does not fail. */
  readonly until?: (answer: Answer) => boolean;
  /** Milliseconds. Left out, so long that a machine under load does not fail what is only slow. */
  readonly within?: number;
  /** Milliseconds between two looks; left out, few at first and more later: asking costs what is waited for. */
  readonly every?: number;
};

const PAUSE = { first: 20, growth: 1.3, longest: 200 };

/** Resolves with what `check` answers as soon as it holds; rejects with its last failure, or what was seen last, when it does not within the time. */
export async function eventually<Answer>(
  check: () => Answer | Promise<Answer>,
  { until = () => true, within = 240_000, every }: Patience<Answer> = {},
): Promise<Answer> {
  const deadline = performance.now() + within;
  for (let pause = PAUSE.first; ; pause = Math.min(pause * PAUSE.growth, PAUSE.longest)) {
    let failure: () => unknown;
    try {
      const answer = await check();
      if (until(answer)) return answer;
      failure = () => new Error(`not so after ${within} ms; seen last: ${JSON.stringify(answer)?.slice(0, 2000)}`);
    } catch (error) {
      failure = () => error;
    }
    if (performance.now() > deadline) throw failure();
    await sleep(every ?? pause);
  }
}
