// One act on many things, a few at a time, each for itself: what fails stops no other. Used by the lists that can be selected in.

import { ApiError } from './http.ts';

/** Browsers hold six lines to a server: events and the page need theirs. */
const AT_ONCE = 4;

/** Seconds that are waited for a server that counts calls; whoever would wait longer is told. */
const LONGEST_WAIT = 90;

/** One that it was not done to, and why. */
export type Miss<T> = { item: T; error: unknown };

type Going = { signal: AbortSignal; onDone: (done: number) => void };

/** Acts on them in their order; after `signal` on no further one. What was begun is waited for. */
export async function actOnAll<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  { signal, onDone }: Going,
): Promise<{ done: T[]; missed: Miss<T>[] }> {
  const done: T[] = [];
  const missed: Miss<T>[] = [];
  let next = 0;
  const work = async () => {
    while (!signal.aborted) {
      const item = items[next++];
      if (item === undefined) return;
      try {
        await insist(() => act(item), signal);
        done.push(item);
      } catch (error) {
        missed.push({ item, error });
      }
      onDone(done.length + missed.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done, missed };
}

/** Again after the time that the server names, where it has had too many calls. */
async function insist(act: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      const wait = error instanceof ApiError && error.status === 429 ? error.retryAfter : null;
      if (wait === null || wait > LONGEST_WAIT || signal.aborted) throw error;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, wait * 1000);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}
