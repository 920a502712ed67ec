// The FILE|URL argument of encode and plan as a source, with its name. Used by both.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { HOUSE_WORDS } from '#api/field-words.ts';
import { sourceSchema } from '#api/jobs/location-schema.ts';
import { UsageError } from '#cli/command.ts';
import type { Config } from '#config/settings.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';
import type { Location } from '#domain/location.ts';

export type SourceArgument = {
  readonly location: Location;
  /** Folder that the opener must allow; null for URLs. */
  readonly root: string | null;
  /** Without its extension, safe as the name of a folder. */
  readonly name: string;
};

/** @throws UsageError for a URL of another kind; PlatformError `source_not_found` where there is no such file */
export async function readSource(argument: string, config: Pick<Config, 'MAX_INLINE_BYTES'>): Promise<SourceArgument> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(argument)?.[1]?.toLowerCase();
  if (scheme === undefined) return readFileArgument(argument);
  const url = URL.parse(argument);
  if (!url) throw new UsageError(`${argument} is no valid URL`);
  const name = path.posix.basename(plainText(url.pathname)).replace(/\.[^.]*$/, '') || url.hostname;
  const parsed = sourceSchema(config.MAX_INLINE_BYTES).safeParse(locationOf(scheme, url), HOUSE_WORDS);
  if (!parsed.success) throw new UsageError(`${argument}: ${parsed.error.issues[0]?.message ?? 'is no source'}`);
  return { location: parsed.data, root: null, name: safeName(name) };
}

/** @throws UsageError where a per cent sign stands for nothing */
function plainText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(`${text} is no valid part of a URL: a per cent sign is written as %25`);
  }
}

function locationOf(scheme: string, url: URL): unknown {
  const path = plainText(url.pathname);
  switch (scheme) {
    case 'http':
    case 'https':
      return { kind: scheme, url: url.href };
    case 's3':
      return { kind: 's3', bucket: url.hostname, path };
    case 'ftp':
    case 'ftps': {
      const login = url.username === '' ? {} : { user: plainText(url.username), password: plainText(url.password) };
      return {
        kind: scheme,
        host: url.hostname,
        path,
        ...login,
        ...(url.port === '' ? {} : { port: Number(url.port) }),
      };
    }
    default:
      throw new UsageError(
        `${scheme}:// is no kind of source; there are files, http://, https://, s3://, ftp:// and ftps://`,
      );
  }
}

async function readFileArgument(argument: string): Promise<SourceArgument> {
  if (argument === '') throw new UsageError('FILE|URL is empty');
  const file = path.resolve(argument);
  try {
    if (!(await stat(file)).isFile()) throw new PlatformError('source_not_found', `${argument} is no file`);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT')
      throw new PlatformError('source_not_found', `There is no file ${argument}`, { cause: error });
    throw error;
  }
  return {
    location: { kind: 'file', path: file },
    root: path.dirname(file),
    name: safeName(path.basename(file).replace(/\.[^.]*$/, '')),
  };
}

/** No separators, no leading dot, nothing that Windows refuses. */
const safeName = (name: string): string =>
  name
    .replace(/[<>:"/\\|?*\p{Cc}]/gu, '_')
    .replace(/^\.+/, '')
    .slice(0, 120) || 'output';
