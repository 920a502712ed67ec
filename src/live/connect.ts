// Connects to an address that was judged, with TLS where wished: then the certificate is held against the name. Used by relay.ts and egress-proxy.ts.
import { once } from 'node:events';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Guard } from '#storage/egress.ts';
import { storageError, transportError } from '#storage/storage-error.ts';

export type Target = {
  readonly guard: Guard;
  /** As it stood in the address, without brackets. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** For people: `rtmps://host:443` */
  readonly place: string;
  readonly isTls: boolean;
};

const CONNECT_TIMEOUT_MS = 10_000;

/** @throws PlatformError `*_tls`: another try does not help; `*_unreachable` */
export async function connectTo({ guard, name, address, port, place, isTls }: Target): Promise<Socket> {
  const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  // An address has no name to ask for; its certificate is held against the address (RFC 6066 §3).
  const servername = isIP(name) === 0 ? { servername: name } : {};
  const socket = isTls
    ? connectTls({ host: address, port, ...servername, ...(guard.ca && { ca: guard.ca }) })
    : connectPlain({ host: address, port });
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal });
    return socket.setNoDelay(true);
  } catch (error) {
    socket.destroy();
    if (!signal.aborted) throw transportError(place, guard.role, error);
    const message = `${place} did not answer within ${CONNECT_TIMEOUT_MS / 1000} seconds.`;
    throw storageError(message, { role: guard.role, fault: 'unreachable' });
  }
}
