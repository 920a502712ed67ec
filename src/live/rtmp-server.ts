// Takes publishers in over RTMP: channels that listen share a port, and the stream key says whose publisher it is. FFmpeg's own listener checks no key.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isNodeError, PlatformError } from '#domain/error.ts';
import { Publication } from '#live/publication.ts';
import type { PublisherPlace } from '#live/resolve-input.ts';
import {
  ACKNOWLEDGEMENT,
  type AmfValue,
  AUDIO,
  ChunkReader,
  COMMAND,
  DATA,
  OWN_CHUNK_SIZE,
  PEER_BANDWIDTH,
  type RtmpMessage,
  readAmf,
  SET_CHUNK_SIZE,
  VIDEO,
  WINDOW_SIZE,
  writeAmf,
  writeMessage,
} from '#live/rtmp-messages.ts';

/** Milliseconds until a caller must publish, and a publisher send something. */
const PATIENCE = 15_000;
const MOST_CALLERS = 100;
/** Bytes of each of the three packets of a handshake (§5.2.3), and what may be sent before it is acknowledged (§5.4.4). */
const HANDSHAKE_BYTES = 1536;
const WINDOW_BYTES = 2_500_000;

type Desk = { readonly server: Server; readonly places: Map<string, Place>; readonly callers: Set<Socket> };
type Place = {
  readonly key: string;
  publication: Publication;
  socket: Socket | null;
  reader: Writable | null;
  /** performance.now() when the publisher last said something */
  heardAt: number;
};

/** Milliseconds without a word after which a publisher is no longer waited for by who reads it. */
const QUIET = 1000;

/** A place at which a publisher is waited for, until it is closed. */
export type Waiting = {
  /** Gives what the publisher sends, now or when it comes, to a child's standard input. */
  attach(reader: Writable): void;
  detach(reader: Writable): void;
  readonly isLive: boolean;
  /** Who read has ended. A publisher that has fallen silent is let go; one that speaks, or came meanwhile, stays for who reads next. */
  finish(): void;
  close(): Promise<void>;
};

/** The RTMP listeners of a process, by address and port. */
export class RtmpDesks {
  readonly #desks = new Map<string, Promise<Desk>>();

  /** @throws PlatformError `port_taken`, `conflict` where another channel waits for the same key there */
  async wait({ host, port, app, key }: PublisherPlace): Promise<Waiting> {
    const name = `${host}:${port}`;
    const opening = this.#desks.get(name) ?? openDesk(host, port);
    this.#desks.set(name, opening);
    let desk: Desk;
    try {
      desk = await opening;
    } catch (error) {
      this.#desks.delete(name);
      throw error;
    }
    const id = `${app}/${key}`;
    if (desk.places.has(id))
      throw new PlatformError('conflict', `Another channel waits for this stream key on port ${port}`);
    const place: Place = { key, publication: new Publication(), socket: null, reader: null, heardAt: 0 };
    desk.places.set(id, place);
    return {
      attach: (reader) => {
        place.reader = reader;
        place.publication.attach(reader);
      },
      detach: (reader) => {
        if (place.reader === reader) place.reader = null;
        place.publication.detach(reader);
      },
      get isLive() {
        return place.socket !== null;
      },
      finish: () => {
        if (performance.now() - place.heardAt > QUIET) place.socket?.destroy();
      },
      close: async () => {
        if (desk.places.get(id) !== place) return;
        desk.places.delete(id);
        place.socket?.destroy();
        if (desk.places.size > 0) return;
        this.#desks.delete(name);
        desk.server.close();
        // Callers that have not said what they want would hold it open.
        for (const caller of desk.callers) caller.destroy();
        await once(desk.server, 'close');
      },
    };
  }
}

async function openDesk(host: string, port: number): Promise<Desk> {
  const server = createServer({ noDelay: true });
  const desk: Desk = { server, places: new Map(), callers: new Set() };
  server.on('connection', (socket) => {
    if (desk.callers.size >= MOST_CALLERS) socket.destroy();
    else serve(desk, socket);
  });
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = isNodeError(error) ? error.code : '';
    const why = code === 'EADDRINUSE' ? 'is taken' : code === 'EACCES' ? 'needs more rights' : 'cannot be listened at';
    throw new PlatformError('port_taken', `${host}:${port} ${why}; choose another port for input_url`, {
      cause: error,
    });
  }
  return desk;
}

function serve(desk: Desk, socket: Socket): void {
  desk.callers.add(socket);
  const caller = new Caller(desk, socket);
  socket.setTimeout(PATIENCE, () => socket.destroy());
  // Who connects and says nothing of use must not hold a place for ever.
  const patience = setTimeout(() => {
    if (!caller.isPublishing) socket.destroy();
  }, PATIENCE);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    try {
      caller.hear(bytes);
    } catch {
      // No RTMP, or none that we speak.
      socket.destroy();
    }
  });
  socket.once('close', () => {
    clearTimeout(patience);
    desk.callers.delete(socket);
    caller.leave();
  });
}

class Caller {
  readonly #desk: Desk;
  readonly #socket: Socket;
  readonly #chunks = new ChunkReader();
  #greeting: Buffer | null = Buffer.alloc(0);
  #hasGreeted = false;
  #app = '';
  #place: Place | null = null;
  #received = 0;
  #acknowledged = 0;

  constructor(desk: Desk, socket: Socket) {
    this.#desk = desk;
    this.#socket = socket;
  }

  get isPublishing(): boolean {
    return this.#place !== null;
  }

  hear(bytes: Buffer): void {
    this.#received += bytes.length;
    if (this.#received - this.#acknowledged > WINDOW_BYTES) {
      this.#acknowledged = this.#received;
      this.#send(ACKNOWLEDGEMENT, 0, number(this.#received % 2 ** 32));
    }
    const rest = this.#greeting === null ? bytes : this.#greet(bytes);
    if (rest.length > 0) for (const message of this.#chunks.push(rest)) this.#take(message);
  }

  leave(): void {
    const place = this.#place;
    this.#place = null;
    if (place?.socket !== this.#socket) return;
    place.socket = null;
    place.reader = null;
    place.publication.end();
    place.publication = new Publication();
  }

  /** C0 C1, answered with S0 S1 S2; then C2 (§5.2). */
  #greet(bytes: Buffer): Buffer {
    const heard = Buffer.concat([this.#greeting ?? Buffer.alloc(0), bytes]);
    this.#greeting = heard;
    if (heard.length < 1 + HANDSHAKE_BYTES) return Buffer.alloc(0);
    if (heard[0] !== 3) throw new Error('no RTMP');
    if (!this.#hasGreeted) {
      this.#hasGreeted = true;
      const own = Buffer.concat([Buffer.alloc(8), randomBytes(HANDSHAKE_BYTES - 8)]);
      this.#socket.write(Buffer.concat([Buffer.from([3]), own, heard.subarray(1, 1 + HANDSHAKE_BYTES)]));
    }
    if (heard.length < 1 + 2 * HANDSHAKE_BYTES) return Buffer.alloc(0);
    this.#greeting = null;
    return heard.subarray(1 + 2 * HANDSHAKE_BYTES);
  }

  #take(message: RtmpMessage): void {
    const { type } = message;
    if (type === COMMAND) this.#command(readAmf(message.body));
    else if (this.#place && (type === AUDIO || type === VIDEO || type === DATA)) {
      this.#place.heardAt = performance.now();
      this.#place.publication.take(message);
    }
  }

  #command([name, transaction, first, second]: AmfValue[]): void {
    const number_ = typeof transaction === 'number' ? transaction : 0;
    switch (name) {
      case 'connect':
        this.#app = typeof first === 'object' && first !== null && typeof first.app === 'string' ? first.app : '';
        this.#send(WINDOW_SIZE, 0, number(WINDOW_BYTES));
        this.#send(PEER_BANDWIDTH, 0, Buffer.concat([number(WINDOW_BYTES), Buffer.from([2])]));
        this.#send(SET_CHUNK_SIZE, 0, number(OWN_CHUNK_SIZE));
        this.#answer(
          0,
          '_result',
          number_,
          { fmsVer: 'FMS/3,0,1,123', capabilities: 31 },
          {
            level: 'status',
            code: 'NetConnection.Connect.Success',
            description: 'Connection succeeded.',
            objectEncoding: 0,
          },
        );
        return;
      case 'createStream':
        this.#answer(0, '_result', number_, null, 1);
        return;
      case 'releaseStream':
      case 'FCPublish':
        this.#answer(0, '_result', number_, null, null);
        return;
      case 'publish':
        this.#publish(typeof second === 'string' ? second : '');
        return;
      case 'FCUnpublish':
      case 'deleteStream':
      case 'closeStream':
        this.#socket.end();
        return;
      // Nobody watches here.
      case 'play':
        this.#status('error', 'NetStream.Play.StreamNotFound', 'Nothing is played here.');
        this.#socket.end();
    }
  }

  #publish(name: string): void {
    const app = this.#app.replace(/\?.*$/, '').replace(/^\/+|\/+$/g, '');
    const key = name.replace(/\?.*$/, '');
    const place = [...this.#desk.places].find(([id]) => isSame(id, `${app}/${key}`))?.[1];
    if (!place) {
      this.#status('error', 'NetStream.Publish.BadName', 'The stream key is not known.');
      this.#socket.end();
      return;
    }
    // Whoever has the key and comes anew is the same publisher, whose old line is dead.
    const before = place.socket;
    place.socket = this.#socket;
    place.heardAt = performance.now();
    this.#place = place;
    if (before) {
      place.publication.end();
      place.publication = new Publication();
      before.destroy();
    }
    if (place.reader && !place.reader.writableEnded && !place.reader.destroyed) place.publication.attach(place.reader);
    this.#status('status', 'NetStream.Publish.Start', 'Publishing.');
  }

  #status(level: 'status' | 'error', code: string, description: string): void {
    this.#answer(1, 'onStatus', 0, null, { level, code, description });
  }

  #answer(stream: number, ...values: AmfValue[]): void {
    this.#send(COMMAND, stream, writeAmf(...values));
  }

  #send(type: number, stream: number, body: Buffer): void {
    if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(writeMessage(type, stream, body));
  }
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Takes as long for a wrong key as for a right one. */
function isSame(known: string, given: string): boolean {
  const [a, b] = [Buffer.from(known), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}
