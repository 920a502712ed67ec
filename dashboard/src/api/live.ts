// Server-sent events over fetch: EventSource could not send a key. Comes again by itself, from where it was, and says how the line is.
import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { keyHeaders, tellLocked } from './http.ts';

export type ServerEvent = { id: string; event: string; data: unknown };
const AGAIN_MS = 2000;
/** The server says something every fifteen seconds; a line that is silent for longer is dead. */
const SILENCE_MS = 40_000;

export type Line = 'connecting' | 'open' | 'lost';
let line: Line = 'connecting';
const listeners = new Set<() => void>();
function setLine(next: Line): void {
  if (next === line) return;
  line = next;
  for (const listener of listeners) listener();
}
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
/** How the line of the whole page is. */
export const useLine = (): Line => useSyncExternalStore(subscribe, () => line);

/** Calls `onEvent` for each event of a stream while the component is there; null listens to nothing. */
export function useEvents(
  path: string | null,
  onEvent: (event: ServerEvent) => void,
  { isMain = false, onOpen }: { isMain?: boolean; onOpen?: (again: boolean) => void } = {},
): void {
  const handler = useRef({ onEvent, onOpen });
  const isSeen = usePageSeen();
  useEffect(() => {
    handler.current = { onEvent, onOpen };
  });
  useEffect(() => {
    if (path === null || !isSeen) return;
    const control = new AbortController();
    void follow(path, control.signal, {
      onEvent: (event) => handler.current.onEvent(event),
      onOpen: (again) => handler.current.onOpen?.(again),
      onLine: isMain ? setLine : () => undefined,
    });
    return () => control.abort();
  }, [path, isMain, isSeen]);
}

/** Browsers hold six lines to a server open, all tabs together: one that nobody looks at gives its own back. */
const UNSEEN_MS = 20_000;
function usePageSeen(): boolean {
  const [isSeen, setSeen] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const hear = () => {
      clearTimeout(timer);
      if (document.visibilityState === 'visible') setSeen(true);
      else timer = setTimeout(() => setSeen(false), UNSEEN_MS);
    };
    document.addEventListener('visibilitychange', hear);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', hear);
    };
  }, []);
  return isSeen;
}

type Hearing = {
  onEvent: (event: ServerEvent) => void;
  onOpen: (again: boolean) => void;
  onLine: (line: Line) => void;
};

async function follow(path: string, signal: AbortSignal, { onEvent, onOpen, onLine }: Hearing): Promise<void> {
  let last = '';
  for (let tries = 0; !signal.aborted; tries++) {
    const silent = new AbortController();
    const both = AbortSignal.any([signal, silent.signal]);
    const end = () => silent.abort();
    let timer = setTimeout(end, SILENCE_MS);
    // A device that lost its network knows it long before the line is silent for that long.
    addEventListener('offline', end);
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(end, SILENCE_MS);
    };
    try {
      const response = await fetch(path, {
        signal: both,
        headers: { ...keyHeaders(), ...(last === '' ? {} : { 'Last-Event-ID': last }) },
      });
      // A key that was revoked meanwhile: another one is asked for, before anything is clicked.
      if (response.status === 401) tellLocked();
      // What is not there, or not ours to see, will not come by asking again.
      if ([401, 403, 404].includes(response.status)) return;
      if (response.ok && response.body) {
        onLine('open');
        onOpen(tries > 0);
        for await (const event of readEvents(response.body, heard)) {
          if (event.id !== '') last = event.id;
          onEvent(event);
        }
      }
    } catch {
      if (signal.aborted) return;
    } finally {
      clearTimeout(timer);
      removeEventListener('offline', end);
    }
    if (signal.aborted) return;
    onLine('lost');
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function* readEvents(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((text) => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1).trim()]),
      );
      const data = fields.get('data');
      if (data) yield { id: fields.get('id') ?? '', event: fields.get('event') ?? 'message', data: JSON.parse(data) };
    }
  }
}
