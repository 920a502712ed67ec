// A long list of which only what can be seen is in the page: ten thousand rows scroll like twenty.
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { recallScroll, rememberScroll } from '../router.tsx';

type WindowProps<T> = {
  label: string;
  rows: readonly T[];
  rowHeight: number;
  /** The end comes near: more is wanted. */
  onNearEnd: () => void;
  /** Whether its beginning is out of sight. */
  onScrolled?: (isScrolled: boolean) => void;
  children: (row: T, place: { index: number; top: number }) => ReactNode;
};
const BESIDE = 8;

export function Window<T>({ label, rows, rowHeight, onNearEnd, onScrolled, children }: WindowProps<T>) {
  const box = useRef<HTMLElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    if (!box.current) return;
    // Whoever comes back finds it where it was.
    box.current.scrollTop = recallScroll(label);
    const watcher = new ResizeObserver(([entry]) => setHeight(entry?.contentRect.height ?? 600));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [label]);
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
      onScroll={({ currentTarget: { scrollTop } }) => {
        setTop(scrollTop);
        rememberScroll(label, scrollTop);
        onScrolled?.(scrollTop > rowHeight);
      }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: rows lie where they are put, as no ul would have them */}
      <div role="list" style={{ blockSize: rows.length * rowHeight, position: 'relative' }}>
        {rows.slice(first, last).map((row, i) => children(row, { index: first + i, top: (first + i) * rowHeight }))}
      </div>
    </section>
  );
}
