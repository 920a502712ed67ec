// A camera: an RTSP server (RFC 2326) with Basic or Digest authentication, with TLS where wished, that sends H.264 and AAC inside its one connection. FFmpeg makes the RTP packets. Used by the tests of live channels.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificate } from './certificate.ts';
import { eventually } from './eventually.ts';

export type CameraOptions = {
  /** RFC 2617 §3 instead of §2. */
  readonly isDigest?: boolean;
  readonly certificate?: Pick<Certificate, 'key' | 'cert'>;
  /** Where every client that wants a description is sent instead. */
  readonly redirect?: string;
};

export type Camera = AsyncDisposable & {
  readonly port: number;
  /** Methods in the order they came. */
  readonly asked: readonly string[];
  /** Ends all connections, as a camera does that restarts. */
  drop(): void;
};

const PATTERN = 'testsrc2=size=320x180:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]';
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '12', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];

/** @param account `user:password`, that every client must name */
export async function startCamera(account: string, options: CameraOptions = {}): Promise<Camera> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-camera-'));
  // RTP and RTCP of the picture, RTP and RTCP of the sound: their place here is their channel in the connection.
  const sockets = await Promise.all(Array.from({ length: 4 }, openDatagrams));
  const [video = 0, videoControl = 0, audio = 0, audioControl = 0] = sockets.map((one) => one.address().port);
  const source = spawn(
    'ffmpeg',
    [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', PATTERN, ...ENCODE, '-flags:a', '+global_header'],
      ...['-map', '0:v', '-f', 'rtp', `rtp://127.0.0.1:${video}?rtcpport=${videoControl}`],
      ...['-map', '0:a', '-f', 'rtp', '-sdp_file', join(folder, 'camera.sdp')],
      `rtp://127.0.0.1:${audio}?rtcpport=${audioControl}`,
    ],
    { stdio: 'ignore' },
  );
  let sdp = '';
  await eventually(async () => {
    sdp = await readFile(join(folder, 'camera.sdp'), 'utf8');
    if (!sdp.includes('m=audio')) throw new Error('not described yet');
  });
  const asked: string[] = [];
  const clients = new Set<Client>();
  const welcome = (socket: Socket) => {
    const client = new Client(socket, { account, sdp: withControls(sdp), asked, options });
    clients.add(client);
    socket.once('close', () => clients.delete(client));
  };
  const { certificate } = options;
  const server = certificate ? createTlsServer({ ...certificate }, welcome) : createServer(welcome);
  sockets.forEach((datagrams, i) => {
    datagrams.on('message', (packet) => {
      for (const client of clients) client.send(i, packet);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const drop = () => {
    for (const client of clients) client.end();
  };
  let isOver = false;
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    asked,
    drop,
    [Symbol.asyncDispose]: async () => {
      if (isOver) return;
      isOver = true;
      drop();
      server.close();
      await ended(source);
      for (const one of sockets) one.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function openDatagrams(): Promise<Datagrams> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Each stream named, so that a client can ask for it; ports are nobody's business. */
function withControls(sdp: string): string {
  let stream = 0;
  return sdp
    .trimEnd()
    .split(/\r?\n/)
    .flatMap((line) => {
      const media = /^m=(\w+) \d+ (.*)$/.exec(line);
      return media ? [`m=${media[1]} 0 ${media[2]}`, `a=control:stream=${stream++}`] : [line];
    })
    .join('\r\n')
    .concat('\r\n');
}

type Facts = {
  readonly account: string;
  readonly sdp: string;
  readonly asked: string[];
  readonly options: CameraOptions;
};

const NONCE = 'f7a9c3d1e5';
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** What a client that knows the account sends (RFC 2617 §3.2.2, without qop). */
function isKnown(authorization: string, method: string, { account, options }: Facts): boolean {
  if (!options.isDigest) return authorization === `Basic ${Buffer.from(account).toString('base64')}`;
  const field = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(authorization)?.[1] ?? '';
  const [user, password] = account.split(':');
  const wanted = md5(`${md5(`${user}:camera:${password}`)}:${NONCE}:${md5(`${method}:${field('uri')}`)}`);
  return field('username') === user && field('nonce') === NONCE && field('response') === wanted;
}

class Client {
  readonly #socket: Socket;
  readonly #facts: Facts;
  #rest: Buffer = Buffer.alloc(0);
  /** Channel of the client's own choice, by ours. */
  readonly #channels = new Map<number, number>();
  #plays = false;

  constructor(socket: Socket, facts: Facts) {
    this.#socket = socket;
    this.#facts = facts;
    socket.on('data', (bytes) => this.#take(bytes));
    // A client that is killed.
    socket.on('error', () => undefined);
  }

  /** RFC 2326 §10.12: `$`, channel, length, packet. */
  send(from: number, packet: Buffer): void {
    const channel = this.#channels.get(from);
    if (!this.#plays || channel === undefined) return;
    const head = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]);
    this.#socket.write(Buffer.concat([head, packet]));
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      // Reports of the receiver, between the requests.
      if (this.#rest[0] === 0x24) {
        if (this.#rest.length < 4 || this.#rest.length < 4 + this.#rest.readUInt16BE(2)) return;
        this.#rest = this.#rest.subarray(4 + this.#rest.readUInt16BE(2));
        continue;
      }
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      const request = this.#rest.toString('latin1', 0, end);
      this.#rest = this.#rest.subarray(end + 4);
      this.#answer(request);
    }
  }

  #answer(request: string): void {
    const [method = '', target = ''] = request.split(' ', 2);
    const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(request)?.[1]?.trim() ?? '';
    const reply = (status: string, lines: readonly string[] = [], body = '') =>
      this.#socket.write(
        [`RTSP/1.0 ${status}`, `CSeq: ${header('CSeq')}`, 'Session: 12345678', ...lines, '', body].join('\r\n'),
      );
    this.#facts.asked.push(method);
    if (method === 'OPTIONS') return void reply('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']);
    const { sdp, options } = this.#facts;
    if (options.redirect !== undefined) return void reply('302 Found', [`Location: ${options.redirect}`]);
    if (!isKnown(header('Authorization'), method, this.#facts)) {
      const challenge = options.isDigest ? `Digest realm="camera", nonce="${NONCE}"` : 'Basic realm="camera"';
      return void reply('401 Unauthorized', [`WWW-Authenticate: ${challenge}`]);
    }
    if (method === 'DESCRIBE') {
      const lines = [`Content-Base: ${target}/`, 'Content-Type: application/sdp', `Content-Length: ${sdp.length}`];
      return void reply('200 OK', lines, sdp);
    }
    if (method === 'SETUP') {
      const wished = /RTP\/AVP\/TCP.*interleaved=(\d+)-(\d+)/.exec(header('Transport'));
      if (!wished) return void reply('461 Unsupported Transport');
      const stream = Number(/stream=(\d)/.exec(target)?.[1] ?? 0);
      this.#channels.set(stream * 2, Number(wished[1])).set(stream * 2 + 1, Number(wished[2]));
      return void reply('200 OK', [`Transport: RTP/AVP/TCP;unicast;interleaved=${wished[1]}-${wished[2]}`]);
    }
    if (method === 'PLAY') this.#plays = true;
    reply('200 OK');
    if (method === 'TEARDOWN') this.#socket.end();
  }
}
