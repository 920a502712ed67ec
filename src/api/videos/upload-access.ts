// Who may upload: a key that may write, or an upload token, which opens one upload alone. Used by the upload routes.
import type { FastifyRequest } from 'fastify';
import { callerOf } from '#api/context.ts';
import type { Caller } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import type { UploadGrant } from '#domain/upload.ts';
import { readUploadToken, TOKEN_PREFIX, TOKEN_PURPOSE } from '#domain/upload-token.ts';
import type { Platform } from '#workflows/platform.ts';

const grants = new WeakMap<FastifyRequest, UploadGrant>();

/** The `config` of a route that upload tokens open. */
export function uploadAccess(platform: Platform) {
  const keys = platform.keysFor(TOKEN_PURPOSE);
  const accept = (request: FastifyRequest): Caller | null => {
    const token = sentToken(request);
    if (token === null) return null;
    const grant = readUploadToken(token, keys, Date.now() / 1000);
    if (!grant) throw new PlatformError('unauthorized', 'This upload token is not valid, or its time is over');
    grants.set(request, grant);
    return { projectId: grant.projectId, scopes: [], keyId: null };
  };
  return { scope: 'write' as const, accept };
}

/** Null of a caller with a key. */
export const grantOf = (request: FastifyRequest): UploadGrant | null => grants.get(request) ?? null;

export type Uploader = { readonly projectId: string; readonly grant: UploadGrant | null };

export const uploaderOf = (request: FastifyRequest): Uploader => ({
  projectId: callerOf(request).projectId,
  grant: grantOf(request),
});

function sentToken(request: FastifyRequest): string | null {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { token } = (request.query ?? {}) as { readonly token?: unknown };
  for (const sent of [bearer, token]) if (typeof sent === 'string' && sent.startsWith(TOKEN_PREFIX)) return sent;
  return null;
}
