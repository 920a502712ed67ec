// Short notes at the edge: what was done, with a way back where there is one, and what failed.
import { X } from 'lucide-react';
import { useEffect, useSyncExternalStore } from 'react';
import { ApiError } from '../api/http.ts';
import { t } from '../text/text.ts';

type Toast = { id: number; text: string; isBad: boolean; seconds: number; undo?: () => void; onEnd?: () => void };
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
function change(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function toast(text: string, options: { isBad?: boolean } = {}): void {
  change([...toasts.slice(-3), { id: nextId++, text, isBad: options.isBad ?? false, seconds: 5 }]);
}

export function toastError(error: unknown): void {
  const advice = error instanceof ApiError && error.advice !== '' ? ` ${error.advice}` : '';
  toast(`${error instanceof Error ? error.message : String(error)}${advice}`, { isBad: true });
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
  change([...toasts.slice(-3), { id: nextId++, text, isBad: false, seconds: 6, undo: cancel, onEnd: once }]);
}

const remove = (id: number) => change(toasts.filter((one) => one.id !== id));

function Note({ toast: { id, text, isBad, seconds, undo, onEnd } }: { toast: Toast }) {
  useEffect(() => {
    const timer = setTimeout(() => {
      onEnd?.();
      remove(id);
    }, seconds * 1000);
    // One that is pushed out by newer ones ends as well.
    return () => {
      clearTimeout(timer);
      onEnd?.();
    };
  }, [id, seconds, onEnd]);
  return (
    <div className={`toast ${isBad ? 'bad' : ''}`} role={isBad ? 'alert' : 'status'}>
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
  return (
    <section className="toasts" aria-label={t('toasts')}>
      {shown.map((one) => (
        <Note key={one.id} toast={one} />
      ))}
    </section>
  );
}
