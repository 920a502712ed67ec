// What is selected in a list: kept by id, so that it stays selected while the list is read anew. Used with bulk-head.tsx.
import { useCallback, useRef, useState } from 'react';

export type Selection<T> = {
  has: (item: T) => boolean;
  /** As they are now where the list shows them, else as they were when they were picked. */
  items: readonly T[];
  /** Picks or lets go one; with `through` all from the one before to it. */
  pick: (item: T, isOn: boolean, through?: boolean) => void;
  set: (items: readonly T[]) => void;
};

/** @param shown the list as it is seen, in its order */
export function useSelection<T>(shown: readonly T[], idOf: (item: T) => string): Selection<T> {
  const [picked, setPicked] = useState<ReadonlyMap<string, T>>(new Map());
  const last = useRef<string | null>(null);
  const now = useRef(shown);
  now.current = shown;
  const pick = useCallback(
    (item: T, isOn: boolean, through = false) => {
      const rows = now.current;
      const to = rows.findIndex((one) => idOf(one) === idOf(item));
      const from = through ? rows.findIndex((one) => idOf(one) === last.current) : -1;
      const meant = from < 0 || to < 0 ? [item] : rows.slice(Math.min(from, to), Math.max(from, to) + 1);
      last.current = idOf(item);
      setPicked((known) => {
        const next = new Map(known);
        for (const one of meant) {
          if (isOn) next.set(idOf(one), one);
          else next.delete(idOf(one));
        }
        return next;
      });
    },
    [idOf],
  );
  const set = useCallback((items: readonly T[]) => setPicked(new Map(items.map((one) => [idOf(one), one]))), [idOf]);
  const fresh = picked.size === 0 ? null : new Map(shown.map((one) => [idOf(one), one]));
  return {
    has: (item) => picked.has(idOf(item)),
    items: [...picked].map(([id, item]) => fresh?.get(id) ?? item),
    pick,
    set,
  };
}
