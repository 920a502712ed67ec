// Files on their way: two at a time, going on while other pages are looked at. One that is refused for being too many waits its time.
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { ApiError, type FieldError } from '../../api/http.ts';
import { addOperation, createOperation } from '../../api/operations.ts';
import { keepOriginal } from './originals.ts';

export type Wish = { operation: string; parameters: Readonly<Record<string, unknown>> };
export type Sent = Wish & {
  id: number;
  file: File;
  state: 'waiting' | 'sending' | 'delayed' | 'failed';
  /** 0–1 */
  share: number;
  /** When it is tried again, ms since 1970. */
  until: number;
  error: ApiError | null;
};
/** Parameters the server does not take: the files come back to the form, with what is wrong. */
export type Returned = Wish & { files: readonly File[]; errors: readonly FieldError[] };
type State = { items: readonly Sent[]; returned: Returned | null };

const AT_ONCE = 2;
/** Seconds, where the server does not say how long. */
const USUAL_WAIT = 60;
let state: State = { items: [], returned: null };
let nextId = 1;
const controls = new Map<number, AbortController>();
const listeners = new Set<() => void>();

function put(next: Partial<State>): void {
  state = { ...state, ...next };
  for (const listener of listeners) listener();
}
const patch = (id: number, change: Partial<Sent>): void =>
  put({ items: state.items.map((one) => (one.id === id ? { ...one, ...change } : one)) });
const drop = (ids: readonly number[]): void => put({ items: state.items.filter(({ id }) => !ids.includes(id)) });
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
export const useSending = (): State => useSyncExternalStore(subscribe, () => state);

export function send(client: QueryClient, wish: Wish, files: readonly File[]): void {
  const fresh = files.map(
    (file): Sent => ({ ...wish, id: nextId++, file, state: 'waiting', share: 0, until: 0, error: null }),
  );
  put({ items: [...state.items, ...fresh] });
  proceed(client);
}

export const takeReturned = (): void => put({ returned: null });

export function stopSending(client: QueryClient, id: number): void {
  controls.get(id)?.abort();
  drop([id]);
  proceed(client);
}

export function sendAgain(client: QueryClient, id: number): void {
  patch(id, { state: 'waiting', error: null, share: 0 });
  proceed(client);
}

function proceed(client: QueryClient): void {
  const running = state.items.filter((one) => one.state === 'sending').length;
  // Who waits for his turn with the server holds the others back too.
  if (state.items.some((one) => one.state === 'delayed')) return;
  for (const item of state.items.filter((one) => one.state === 'waiting').slice(0, Math.max(0, AT_ONCE - running)))
    void run(client, item);
}

async function run(client: QueryClient, item: Sent): Promise<void> {
  const { id, operation, parameters, file } = item;
  const control = new AbortController();
  controls.set(id, control);
  patch(id, { state: 'sending', share: 0 });
  try {
    const made = await createOperation(
      { operation, parameters, file },
      { signal: control.signal, onProgress: (share) => patch(id, { share }) },
    );
    keepOriginal(made.id, file);
    drop([id]);
    addOperation(client, made);
  } catch (error) {
    if (!control.signal.aborted) fail(client, item, error);
  } finally {
    controls.delete(id);
    proceed(client);
  }
}

function fail(client: QueryClient, { id, operation, parameters }: Sent, error: unknown): void {
  const known = error instanceof ApiError ? error : new ApiError(0, { message: String(error) });
  if (known.status === 429) {
    const seconds = known.retryAfter ?? USUAL_WAIT;
    patch(id, { state: 'delayed', until: Date.now() + seconds * 1000, error: known });
    setTimeout(() => {
      const still = state.items.some((one) => one.id === id && one.state === 'delayed');
      if (still) sendAgain(client, id);
    }, seconds * 1000);
    return;
  }
  const errors = known.fields.filter(({ path }) => path.startsWith('parameters'));
  if (errors.length === 0) {
    patch(id, { state: 'failed', error: known });
    return;
  }
  // What is wrong for one is wrong for all that were asked for with it.
  const same = state.items.filter((one) => one.parameters === parameters && one.state !== 'delayed');
  for (const one of same) controls.get(one.id)?.abort();
  drop(same.map((one) => one.id));
  put({ returned: { operation, parameters, files: same.map((one) => one.file), errors } });
}

// Leaving the page would lose what has not arrived.
addEventListener('beforeunload', (event) => {
  if (state.items.some((one) => one.state === 'sending' || one.state === 'waiting')) event.preventDefault();
});
