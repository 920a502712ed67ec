// Server-sent events over fetch: EventSource could not send a key. Comes again by itself, from where it was.
import { useEffect, useRef } from 'react';
import { keyHeaders } from './api.ts';

export type ServerEvent = { id: string; event: string; data: unknown };
const AGAIN_MS = 2000;

/** Calls `onEvent` for each event of a stream while the component is there; null listens to nothing. */
export function useEvents(path: string | null, onEvent: (event: ServerEvent) => void): void {
  const handler = useRef(onEvent);
  useEffect(() => {
    handler.current = onEvent;
  });
  useEffect(() => {
    if (path === null) return;
    const control = new AbortController();
    void follow(path, control.signal, (event) => handler.current(event));
    return () => control.abort();
  }, [path]);
}

async function follow(path: string, signal: AbortSignal, onEvent: (event: ServerEvent) => void): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    try {
      const response = await fetch(path, {
        signal,
        headers: { ...keyHeaders(), ...(last === '' ? {} : { 'Last-Event-ID': last }) },
      });
      if (response.ok && response.body) {
        for await (const event of readEvents(response.body)) {
          if (event.id !== '') last = event.id;
          onEvent(event);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      console.warn('the event stream broke', error);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const),
      );
      const data = fields.get('data');
      if (data !== undefined)
        yield { id: fields.get('id') ?? '', event: fields.get('event') ?? 'message', data: JSON.parse(data) };
    }
  }
}
