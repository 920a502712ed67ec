// Addresses of live inputs and outputs: their parts, and what of them a reader may see. Pure.
import { PlatformError } from '#domain/error.ts';

export type HostAndPort = { readonly host: string; readonly port: number };

const HIDDEN = '***';
const SECRET_PARAMETER = /pass|sig|token|key|secret|pwd|auth|credential|policy/i;
const GROUP = /^(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:]+\])(?::(\d{1,5}))?$/i;
const DEFAULT_PORT = 5000;

/** `239.1.1.1:5000` */
export function parseGroup(text: string): HostAndPort | null {
  const found = GROUP.exec(text.trim());
  if (!found) return null;
  const host = (found[1] ?? '').replace(/^\[|\]$/g, '');
  const port = found[2] === undefined ? DEFAULT_PORT : Number(found[2]);
  if (port < 1 || port > 65535) return null;
  if (host.includes('.') && host.split('.').some((part) => Number(part) > 255)) return null;
  return { host, port };
}

/** A group that routers carry; 224.0.0.x belongs to the local network's own protocols (RFC 5771 §4). */
export function isMulticast(host: string): boolean {
  if (host.includes(':')) return /^ff[0-9a-f]{2}:/i.test(host);
  const [first = 0, second = 0, third = 0] = host.split('.').map(Number);
  return first >= 224 && first <= 239 && !(first === 224 && second === 0 && third === 0);
}

/** `udp://@239.1.1.1:5000` and `udp://:5000`, as players write it, in the form of a URL; null where it is none. */
export const readLiveUrl = (url: string): URL | null =>
  URL.parse(
    url
      .trim()
      .replace(/^([a-z]+:\/\/)@/i, '$1')
      .replace(/^([a-z]+:\/\/):/i, '$10.0.0.0:'),
  );

/** The same. @throws PlatformError `invalid_request` */
export function parseLiveUrl(url: string): URL {
  const parsed = readLiveUrl(url);
  if (!parsed || parsed.hostname === '')
    throw new PlatformError('invalid_request', 'The address is not a valid URL with a host.');
  return parsed;
}

export const bareHost = ({ hostname }: URL): string => decodeURIComponent(hostname).replace(/^\[|\]$/g, '');

/** Host that means every address of the machine, for those who listen. */
export const isAnyHost = (host: string): boolean => host === '0.0.0.0' || host === '::' || host === '*' || host === '';

const PORTS: Readonly<Record<string, number>> = {
  'rtmp:': 1935,
  'rtmps:': 443,
  'rtsp:': 554,
  'rtsps:': 322,
  'srt:': 9000,
  'udp:': DEFAULT_PORT,
  'rtp:': DEFAULT_PORT,
  'http:': 80,
  'https:': 443,
};
export const portOf = (url: URL): number => (url.port === '' ? (PORTS[url.protocol] ?? 0) : Number(url.port));

/** `rtmp://host/app/KEY`: the application and the stream key, which may hold a query. */
export function rtmpParts(url: URL): { readonly app: string; readonly key: string } {
  const path = url.pathname.replace(/^\/+/, '');
  const at = path.lastIndexOf('/');
  const query = url.search;
  return at < 0 ? { app: path, key: query } : { app: path.slice(0, at), key: path.slice(at + 1) + query };
}

/**
 * An address without what would let a reader in: user info, secret parameters, and (unless `keepsKey`) the stream key of RTMP
 * and the stream id of SRT.
 */
export function hideLiveSecrets(url: string, { keepsKey }: { readonly keepsKey: boolean }): string {
  const parsed = URL.parse(url);
  if (!parsed) return url;
  // URL() would encode the stars of a query and reorder nothing else: the text is changed in place.
  let text = url;
  if (parsed.username !== '' || parsed.password !== '') text = text.replace(/\/\/[^/@]*@/, `//${HIDDEN}@`);
  text = text.replace(/([?&])([^=&#]+)=([^&#]*)/g, (whole, ...parts: string[]) => {
    const [sign = '', name = '', value = ''] = parts;
    const isSecret = SECRET_PARAMETER.test(name) || (!keepsKey && /^streamid$/i.test(name));
    return isSecret && value !== '' ? `${sign}${name}=${HIDDEN}` : whole;
  });
  if (!keepsKey && /^rtmps?:$/.test(parsed.protocol)) {
    const { key } = rtmpParts(parsed);
    if (key !== '') text = text.replace(/\/[^/]*$/, `/${HIDDEN}`);
  }
  return text;
}

/** Whether an address holds the stars that stand for a secret: who sends it back changed does not say the secret. */
export const hasHiddenPart = (url: string): boolean =>
  [`//${HIDDEN}@`, `=${HIDDEN}`, `/${HIDDEN}`].some((part) => url.includes(part));

/** Everything in an address that no log may show, longest first. */
export function secretsOf(url: string): string[] {
  const parsed = URL.parse(url);
  if (!parsed) return [];
  const found = [parsed.username, parsed.password, `${parsed.username}:${parsed.password}`];
  for (const [name, value] of parsed.searchParams)
    if (SECRET_PARAMETER.test(name) || /^streamid$/i.test(name)) found.push(value, encodeURIComponent(value));
  if (/^rtmps?:$/.test(parsed.protocol)) {
    const { key } = rtmpParts(parsed);
    found.push(key, decoded(key));
  }
  // A word of two letters would blot out half of every line.
  return [...new Set(found.flatMap((one) => [one, decoded(one)]))]
    .filter((one) => one.length >= 3 && one !== ':')
    .sort((a, b) => b.length - a.length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that stands for itself.
    return text;
  }
}

/** A text with every one of the secrets as stars. */
export const blot = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((whole, secret) => whole.replaceAll(secret, HIDDEN), text);
