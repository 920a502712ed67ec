// Turns what users call an interface into its address, and names into judged addresses. Used by resolve-input.ts and resolve-output.ts.
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { bareHost, parseLiveUrl, portOf } from '#domain/channel-target.ts';
import { PlatformError } from '#domain/error.ts';
import type { Guard } from '#storage/egress.ts';

/** The IPv4 address of an interface by name, or one given as such. @throws PlatformError `invalid_request`: no other try helps */
export function interfaceAddress(network: string | null): string | null {
  if (network === null) return null;
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family }) => ({ name, address, family })),
  );
  const found = isIP(network)
    ? all.find(({ address }) => address === network)
    : all.find(({ name, family }) => name === network && family === 'IPv4');
  if (found) return found.address;
  const known = all.filter(({ family }) => family === 'IPv4').map(({ name, address }) => `${name} (${address})`);
  throw new PlatformError(
    'invalid_request',
    `This machine has no network interface ${network}; it has ${[...new Set(known)].join(', ')}`,
  );
}

export type Dialled = {
  readonly url: URL;
  /** Literal and judged; in brackets where it is IPv6. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
};

/** Resolves once and judges every answer. @throws PlatformError `*_refused_address`, `*_unreachable`, `invalid_request` */
export async function dial(guard: Guard, address: string): Promise<Dialled> {
  const url = parseLiveUrl(address);
  const resolved = await guard.resolve(bareHost(url));
  const host = resolved.family === 6 ? `[${resolved.address}]` : resolved.address;
  return { url, host, address: resolved.address, port: portOf(url) };
}

/** `user:password@`, as it stood. */
export const userOf = (url: URL): string =>
  url.username === '' && url.password === '' ? '' : `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;

/** Options of SRT that users may set; all others would be words to FFmpeg's own code. */
const SRT_OPTIONS: ReadonlySet<string> = new Set([
  'passphrase',
  'pbkeylen',
  'streamid',
  'latency',
  'rcvlatency',
  'peerlatency',
  'maxbw',
  'ipttl',
]);
const SRT_VALUE = /^[\w.,:=#!/+@%-]{1,512}$/;

/** `srt://address:port?mode=…` with what of the query is known. @throws PlatformError `invalid_request` */
export function srtUrl(
  { url, host, port }: Pick<Dialled, 'url' | 'host' | 'port'>,
  mode: 'caller' | 'listener',
): string {
  const query = [`mode=${mode}`];
  for (const [name, value] of url.searchParams) {
    if (!SRT_OPTIONS.has(name) || value === '') continue;
    if (!SRT_VALUE.test(value))
      throw new PlatformError('invalid_request', `The SRT option ${name} has signs that it may not have`);
    query.push(`${name}=${encodeURIComponent(value)}`);
  }
  return `srt://${host}:${port}?${query.join('&')}`;
}
