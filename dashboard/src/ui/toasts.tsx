// Short notes at the edge: what was done, with a way back where there is one, and what failed.
import { X } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../api/http.ts';
import { t, told } from '../text/text.ts';
import { isTyping } from './typing.ts';

type Toast = { id: number; text: string; isBad: boolean; seconds: number; undo?: () => void; onEnd?: () => void };
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
function change(next: readonly Toast[]): void {
  const gone = toasts.filter((one) => !next.includes(one));
  toasts = next;
  // One that is pushed out by newer ones ends as well.
  for (const { onEnd } of gone) onEnd?.();
  for (const listener of listeners) listener();
}
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function toast(text: string, options: { isBad?: boolean } = {}): void {
  change([...toasts.slice(-3), { id: nextId++, text, isBad: options.isBad ?? false, seconds: options.isBad ? 10 : 5 }]);
}

export function toastError(error: unknown): void {
  const { code = '', advice = '' } = error instanceof ApiError ? error : {};
  const name = told('failure', code);
  const message = error instanceof Error ? error.message : String(error);
  const parts = [name === null ? message : `${name}: ${message}`, told('advice', code) ?? advice];
  toast(parts.filter((part) => part !== '').join(' '), { isBad: true });
}

const waiting = new Set<() => void>();
// Whoever leaves the page meant it.
addEventListener('pagehide', () => {
  for (const act of waiting) act();
});

/** Does something that cannot be taken back, a little later: until then it can. */
export function withUndo(text: string, { act, undo }: { act: () => void; undo: () => void }): void {
  const once = () => {
    if (!waiting.delete(once)) return;
    act();
  };
  waiting.add(once);
  const cancel = () => {
    if (waiting.delete(once)) undo();
  };
  change([...toasts.slice(-3), { id: nextId++, text, isBad: false, seconds: 8, undo: cancel, onEnd: once }]);
}

const remove = (id: number) => change(toasts.filter((one) => one.id !== id));

/** Takes back what was done last, where that can still be. */
function undoLast(): boolean {
  const last = toasts.findLast(({ undo }) => undo !== undefined);
  if (!last) return false;
  last.undo?.();
  remove(last.id);
  return true;
}

function Note({ toast: { id, text, isBad, seconds, undo } }: { toast: Toast }) {
  // Who reads it, or is on the way to its button, has all the time (WCAG 2.2.1).
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => remove(id), seconds * 1000);
    return () => clearTimeout(timer);
  }, [id, seconds, isHeld]);
  const hold = () => setHeld(true);
  const letGo = () => setHeld(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing is done there, time only stands still
    <div
      className={`toast ${isBad ? 'bad' : ''}`}
      onPointerEnter={hold}
      onPointerLeave={letGo}
      onFocus={hold}
      onBlur={letGo}
    >
      <span className="grow">{text}</span>
      {undo && (
        <button
          type="button"
          className="button small"
          onClick={() => {
            undo();
            remove(id);
          }}
        >
          {t('act.undo')}
        </button>
      )}
      <button type="button" className="button plain icon small" aria-label={t('act.close')} onClick={() => remove(id)}>
        <X size={15} aria-hidden />
      </button>
    </div>
  );
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z';
      if (isUndo && !isTyping(event.target) && undoLast()) event.preventDefault();
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, []);
  // Regions that were there before are read out reliably; ones that come with their text are not.
  const notes = (isBad: boolean) =>
    shown.filter((one) => one.isBad === isBad).map((one) => <Note key={one.id} toast={one} />);
  return (
    <section className="toasts" aria-label={t('toasts')}>
      <div className="notes" role="alert" aria-atomic="false">
        {notes(true)}
      </div>
      <div className="notes" role="status" aria-atomic="false">
        {notes(false)}
      </div>
    </section>
  );
}
