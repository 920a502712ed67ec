// Reads server-sent events as they come. Used by the tests of this room.
import assert from 'node:assert/strict';

export type Sse = {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
};

/** Until the server ends the stream, or the reader breaks off. @throws after a minute */
export async function* serverEvents(url: string, headers: Record<string, string> = {}): AsyncGenerator<Sse> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(60_000) });
  assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  let rest = '';
  for await (const bytes of response.body ?? []) {
    const blocks = (rest + Buffer.from(bytes).toString()).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
      const data = field('data');
      if (data !== undefined) yield { id: field('id'), event: field('event'), data: JSON.parse(data) };
    }
  }
}
