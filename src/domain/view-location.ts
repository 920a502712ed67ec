// Sources and destinations as they are shown: in the words of the request, every secret a row of stars. Pure; used by view-job.ts and the APIs.
import type { Location } from '#domain/location.ts';

const HIDDEN = '***';
/** Query parameters that open something: presigned URLs, tokens, keys. */
const SECRET_PARAMETER = /sig|token|key|secret|password|passwd|pwd|auth|credential|policy/i;

export type LocationView = Readonly<Record<string, unknown>>;

/** A URL without what would let a reader in: user info and secret query values. */
export function hideSecrets(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (parsed.username === '' && parsed.password === '' && parsed.search === '') return url;
  if (parsed.username !== '') parsed.username = HIDDEN;
  if (parsed.password !== '') parsed.password = HIDDEN;
  for (const name of new Set(parsed.searchParams.keys())) {
    if (SECRET_PARAMETER.test(name)) parsed.searchParams.set(name, HIDDEN);
  }
  return parsed.href;
}

export function viewLocation(location: Location): LocationView {
  switch (location.kind) {
    case 'http':
    case 'https':
      return {
        kind: location.kind,
        url: hideSecrets(location.url),
        headers: Object.fromEntries(Object.keys(location.headers).map((name) => [name, HIDDEN])),
        method: location.method,
      };
    case 's3':
      return known({
        kind: 's3',
        bucket: location.bucket,
        path: location.path,
        region: location.region,
        endpoint: location.endpoint && hideSecrets(location.endpoint),
        forcePathStyle: location.forcePathStyle,
        access_key_id: location.accessKeyId && HIDDEN,
        access_key_secret: location.accessKeySecret && HIDDEN,
        session_token: location.sessionToken && HIDDEN,
        acl: location.acl,
      });
    case 'ftp':
    case 'ftps':
      return {
        kind: location.kind,
        host: location.host,
        port: location.port,
        user: location.user,
        password: location.password === '' ? '' : HIDDEN,
        path: location.path,
      };
    case 'inline':
      // The bytes came with the request; repeating them helps nobody.
      return known({ kind: 'inline', filename: location.filename });
    case 'upload':
      return { kind: 'upload', uploadId: location.uploadId };
    case 'file':
      return { kind: 'file', path: location.path };
    case 'managed':
      return { kind: 'managed' };
    case 'cloudinary':
      return { kind: 'cloudinary', path: location.path };
  }
}

/** Only what was said. */
const known = (fields: Readonly<Record<string, unknown>>): LocationView =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** What a person would call it: the last part of its path. */
export function nameOfLocation(location: Location): string | null {
  const last = (path: string) => path.split(/[\\/]/).filter(Boolean).at(-1) ?? null;
  switch (location.kind) {
    case 'http':
    case 'https':
      return URL.canParse(location.url) ? last(decode(new URL(location.url).pathname)) : null;
    case 'inline':
      return location.filename && last(location.filename);
    case 'upload':
    case 'managed':
      return null;
    default:
      return last(location.path);
  }
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A percent sign that stands for itself.
    return path;
  }
}
