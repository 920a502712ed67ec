// What was deleted and can still be taken back: no list shows it meanwhile, whatever the server's lists still hold. Used by every kind of thing that can be deleted.
import { useSyncExternalStore } from 'react';
import { toastError, withUndo } from '../ui/toasts.tsx';

/** Ids of all kinds. Replaced, never changed: a list is drawn again when it is another one. */
let leaving: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

function change(next: Iterable<string>): void {
  leaving = new Set(next);
  for (const listener of listeners) listener();
}
const show = (id: string) => change([...leaving].filter((one) => one !== id));
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export type Leaving = {
  /** `channel 7`, `job …`: unlike any other's. */
  id: string;
  /** What the note says. */
  text: string;
  /** Deletes it on the server. */
  act: () => Promise<unknown>;
  /** Brings the lists anew. */
  refresh: () => Promise<unknown>;
};

/** Hides it at once and deletes it when it can be taken back no longer; where the server says no, it is shown again, and why. */
export function leave({ id, text, act, refresh }: Leaving): void {
  change([...leaving, id]);
  withUndo(text, {
    act: () =>
      void act()
        .catch(toastError)
        // Shown again only when the lists know of its end: else it would flash up once more.
        .then(refresh)
        .finally(() => show(id)),
    undo: () => show(id),
  });
}

/** Whether a list is to show it. Draws the list again when that changes. */
export function useIsStaying(): (id: string) => boolean {
  const now = useSyncExternalStore(subscribe, () => leaving);
  return (id) => !now.has(id);
}
