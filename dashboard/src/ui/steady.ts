// Keeps a list of newest-first rows where it is while somebody is about to click one of them, or has scrolled into it. Used by the table of jobs.
import { useCallback, useEffect, useRef, useState } from 'react';

type Row = { id: number; uuid: string };
/** How long a pointer that stands still keeps the list still: one that was left there must not stop it for ever. */
const REST_MS = 4000;

/** While it is held: the rows of when that began as they are now, what left the list too; older ones may come behind. */
function hold<T extends Row>(before: readonly T[], now: readonly T[]): T[] {
  const fresh = new Map(now.map((row) => [row.uuid, row]));
  const last = before.at(-1)?.id ?? 0;
  return [...before.map((row) => fresh.get(row.uuid) ?? row), ...now.filter(({ id }) => id < last)];
}

/** `fresh` is how many newer ones are kept back; `release` shows them. */
export function useSteady<T extends Row>(now: readonly T[]) {
  const [isNear, setNear] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const held = useRef<readonly T[] | null>(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onNear = useCallback(() => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setNear(false), REST_MS);
    setNear(true);
  }, []);
  const isHeld = isNear || isScrolled;
  const rows = isHeld ? (held.current === null ? now : hold(held.current, now)) : now;
  useEffect(() => {
    held.current = isHeld ? rows : null;
  });
  const first = rows[0]?.id ?? 0;
  const fresh = isHeld ? now.filter(({ id }) => id > first).length : 0;
  const release = useCallback(() => {
    held.current = null;
    clearTimeout(timer.current);
    setNear(false);
    setScrolled(false);
  }, []);
  return { rows, fresh, onNear, onScrolled: setScrolled, release };
}
