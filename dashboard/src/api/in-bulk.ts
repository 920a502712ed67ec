// One act on many things, a few at a time, each for itself: what fails stops no other. Used by the lists that can be selected in.

/** Browsers hold six lines to a server: events and the page need theirs. */
const AT_ONCE = 4;

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
        await act(item);
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
