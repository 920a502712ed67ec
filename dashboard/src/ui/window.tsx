// A long list of which only what can be seen is in the page: ten thousand rows scroll like twenty.
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';

type WindowProps<T> = {
  label: string;
  rows: readonly T[];
  rowHeight: number;
  /** The end comes near: more is wanted. */
  onNearEnd: () => void;
  children: (row: T, place: { index: number; top: number }) => ReactNode;
};
const BESIDE = 8;

export function Window<T>({ label, rows, rowHeight, onNearEnd, children }: WindowProps<T>) {
  const box = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    if (!box.current) return;
    const watcher = new ResizeObserver(([entry]) => setHeight(entry?.contentRect.height ?? 600));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  const first = Math.max(0, Math.floor(top / rowHeight) - BESIDE);
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + BESIDE);
  const isNear = last >= rows.length - 20;
  useEffect(() => {
    if (isNear) onNearEnd();
  }, [isNear, onNearEnd]);
  return (
    <section
      ref={box}
      className="window"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard
      tabIndex={0}
      style={{ blockSize: rows.length * rowHeight }}
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
    >
      <div style={{ blockSize: rows.length * rowHeight, position: 'relative' }}>
        {rows.slice(first, last).map((row, i) => children(row, { index: first + i, top: (first + i) * rowHeight }))}
      </div>
    </section>
  );
}
