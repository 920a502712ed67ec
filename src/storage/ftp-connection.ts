// Connections to one FTP server, kept for the next transfer: dialled through the address guard, data connections too. Used by ftp.ts.

import { isIP } from 'node:net';
import type { Client, FTPContext, FTPResponse } from 'basic-ftp';
import { PlatformError } from '#domain/error.ts';
import type { Guard } from '#storage/egress.ts';
import { type StorageFault, storageError, transportError } from '#storage/storage-error.ts';

export type FtpServer = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly secure: boolean;
  readonly guard: Guard;
  /** milliseconds a connection may be silent */
  readonly timeout?: number;
};

export type FtpPool = {
  /** Runs `work` with a connection of its own, which is kept for the next one unless it broke. */
  use<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** A connection to keep for longer; give it back with `release`, or end it with its own close(). */
  take(): Promise<Client>;
  release(client: Client): void;
  close(): void;
};

export type FtpOptions = FtpServer & {
  /** Put before every key as it is: `folder/`, `/folder/` or nothing. */
  readonly prefix: string;
};

/** What the calls of one store share. */
export type FtpPlace = {
  readonly options: FtpOptions;
  readonly pool: FtpPool;
  /** Folders known to exist. */
  readonly folders: Set<string>;
  readonly toError: (key: string, thrown: unknown) => Error;
  readonly path: (key: string) => string;
};

const TIMEOUT_MS = 30_000;
/** Connections at once: servers commonly refuse more from one address. */
const MOST_CONNECTIONS = 4;
/** Milliseconds an idle connection is kept. */
const IDLE = 20_000;
const IMPLICIT_TLS_PORT = 990;

/** Connects nothing yet. */
export function createFtpPool(server: FtpServer): FtpPool {
  const idle: { readonly client: Client; readonly timer: NodeJS.Timeout }[] = [];
  const waiting: (() => void)[] = [];
  let taken = 0;

  const take = async (): Promise<Client> => {
    if (taken >= MOST_CONNECTIONS) await new Promise<void>((resolve) => waiting.push(resolve));
    taken += 1;
    try {
      for (let kept = idle.pop(); kept; kept = idle.pop()) {
        clearTimeout(kept.timer);
        kept.client.ftp.socket.ref();
        if (await isAlive(kept.client)) return kept.client;
      }
      return await connect(server);
    } catch (error) {
      leave();
      throw error;
    }
  };
  const leave = () => {
    taken -= 1;
    waiting.shift()?.();
  };
  const release = (client: Client) => {
    if (!client.closed) {
      const timer = setTimeout(() => {
        idle.splice(
          idle.findIndex((kept) => kept.client === client),
          1,
        );
        client.close();
      }, IDLE);
      // An idle connection is no reason for a process to live.
      timer.unref();
      client.ftp.socket.unref();
      idle.push({ client, timer });
    }
    leave();
  };
  return {
    take,
    release,
    use: async (work) => {
      const client = await take();
      try {
        return await work(client);
      } finally {
        release(client);
      }
    },
    close: () => {
      for (const { client, timer } of idle.splice(0)) {
        clearTimeout(timer);
        client.close();
      }
    },
  };
}

async function isAlive(client: Client): Promise<boolean> {
  if (client.closed) return false;
  try {
    await client.send('NOOP');
    return true;
  } catch {
    // The server ended it while it lay idle; a new one takes its place.
    client.close();
    return false;
  }
}

async function connect({
  host,
  port,
  user,
  password,
  secure,
  guard,
  timeout = TIMEOUT_MS,
}: FtpServer): Promise<Client> {
  const { address } = await guard.resolve(host);
  const { Client, enterPassiveModeIPv6 } = await import('basic-ftp');
  const client = new Client(timeout);
  client.prepareTransfer = firstWorking(client, [enterPassiveModeIPv6, enterPassiveMode]);
  try {
    await client.access({
      host: address,
      port,
      user,
      password,
      secure: secure ? (port === IMPLICIT_TLS_PORT ? 'implicit' : true) : false,
      secureOptions: {
        // The certificate must be the name's, though it is the judged address that is dialled.
        host,
        ...(isIP(host) === 0 && { servername: host }),
        ...(guard.ca && { ca: guard.ca }),
      },
    });
    return client;
  } catch (error) {
    client.close();
    throw ftpError(`${secure ? 'ftps' : 'ftp'}://${host}`, guard.role, error);
  }
}

type Strategy = (ftp: FTPContext) => Promise<FTPResponse>;

/** Extended passive mode where the server knows it, else the old one; remembered for the connection. */
function firstWorking(client: Client, strategies: readonly Strategy[]): Strategy {
  return async (ftp) => {
    let last: unknown;
    for (const strategy of strategies) {
      try {
        const answer = await strategy(ftp);
        client.prepareTransfer = strategy;
        return answer;
      } catch (error) {
        // A code of the server's means: not this way. Anything else is a connection that broke.
        if (codeOf(error) === undefined) throw error;
        last = error;
      }
    }
    throw last;
  };
}

/**
 * PASV, dialling the control connection's own address whatever the answer says: a server behind NAT names an address
 * nobody can reach, a hostile one somebody else's (the FTP bounce attack, RFC 2577 §3).
 */
async function enterPassiveMode(ftp: FTPContext): Promise<FTPResponse> {
  const { connectForPassiveTransfer, parsePasvResponse } = await import('basic-ftp/dist/transfer.js');
  const answer = await ftp.request('PASV');
  const host = ftp.socket.remoteAddress;
  if (host === undefined) throw new Error('the control connection is closed');
  await connectForPassiveTransfer(host.replace(/^::ffff:/i, ''), parsePasvResponse(answer.message).port, ftp);
  return answer;
}

/** The server's reply code; undefined where an error is none of the server's. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** What basic-ftp threw as a PlatformError. RFC 959 §4.2 has the codes; 550 means both missing and not allowed. */
export function ftpError(where: string, role: Guard['role'], thrown: unknown): Error {
  if (thrown instanceof PlatformError) return thrown;
  const code = codeOf(thrown);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (code === undefined) {
    if (/control characters/i.test(message))
      return new PlatformError('invalid_request', `${where}: ${message}`, { cause: thrown });
    return transportError(where, role, thrown);
  }
  const fail = (fault: StorageFault, retryable?: boolean) =>
    storageError(`${where}: the FTP server answered "${message.trim()}".`, {
      role,
      fault,
      cause: thrown,
      ...(retryable !== undefined && { retryable }),
    });
  if (code === 530 || code === 532 || code === 331 || code === 332) return fail('denied');
  if (code === 550 || code === 553)
    return fail(/permission|denied|not allowed|access/i.test(message) ? 'denied' : 'not_found');
  if (code === 534 || code === 522 || (role === 'source' && code === 431)) return fail('tls');
  // RFC 959 §4.2.1: the file system, busy or full for now.
  if (code >= 450 && code < 460) return fail('refused', true);
  if (code < 500) return fail('unreachable');
  return fail('refused', false);
}
