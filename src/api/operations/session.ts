// Which session a caller is: the signed cookie, X-Session-Key, or a new one. Used by the routes of the operations API.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { callerOf } from '#api/context.ts';
import { PREFIX } from '#api/operations/envelope.ts';
import type { OperationRef } from '#database/operations.ts';
import { needsKey } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import type { SessionRef } from '#domain/operation.ts';
import {
  isSessionToken,
  ownSession,
  readSession,
  type SessionSecrets,
  signSession,
  splitSecrets,
} from '#domain/session.ts';
import { isUuid } from '#domain/uuid.ts';
import type { Platform } from '#workflows/platform.ts';

const COOKIE = 'rendition_session';
const HEADER = 'x-session-key';
/** Seconds that a browser keeps it, counted anew with every answer: longer than operations live. */
const COOKIE_SECONDS = 30 * 86_400;
/** A key that a client made for itself is a password: short ones are guessed. */
const OWN_KEY = /^[\x21-\x7e]{16,128}$/;

export type Session = SessionRef & {
  /** What the cookie and X-Session-Key carry; null for that of an API key, which needs neither. */
  readonly token: string | null;
};
export type Sessions = (request: FastifyRequest, reply: FastifyReply) => Session;

/** `session(request, reply)` answers the caller's session, and gives it to him where he had none. */
export function createSessions({ config, keysFor }: Pick<Platform, 'config' | 'keysFor'>): Sessions {
  const hasKeys = needsKey(config);
  const isSecure = config.PUBLIC_URL?.startsWith('https:') ?? false;
  const { SESSION_SECRET: written } = config;
  const secrets: SessionSecrets = written === undefined ? keysFor('operation sessions') : splitSecrets(written);
  return (request, reply) => {
    const { projectId, keyId } = callerOf(request);
    const sent = request.headers[HEADER];
    if (typeof sent === 'string' && sent !== '') return { projectId, sessionKey: sentKey(sent, secrets), token: sent };
    const token = cookieOf(request);
    const known = token === null ? null : readSession(token, secrets);
    // A program with a key of its own keeps no cookies: the key says who it is.
    if (known === null && hasKeys) return { projectId, sessionKey: `key:${keyId ?? 'admin'}`, token: null };
    const sessionKey = known ?? uuidv7();
    const given = signSession(sessionKey, secrets);
    reply.header('Set-Cookie', cookie(given, isSecure || request.protocol === 'https'));
    // Pages of other origins get no cookie: they keep this one.
    if (known === null) reply.header('X-Session-Key', given);
    return { projectId, sessionKey, token: given };
  };
}

/** @throws PlatformError `unauthorized` for a token that was changed, `invalid_request` for a key that is too short */
function sentKey(sent: string, secrets: SessionSecrets): string {
  const known = readSession(sent, secrets);
  if (known !== null) return known;
  if (isSessionToken(sent))
    throw new PlatformError(
      'unauthorized',
      `X-Session-Key is no session of this server; GET ${PREFIX}/session/ gives one`,
    );
  if (OWN_KEY.test(sent)) return ownSession(sent);
  const message = `what GET ${PREFIX}/session/ gave, or a secret of your own of 16 to 128 visible characters`;
  throw new PlatformError('invalid_request', `X-Session-Key: ${message}`, {
    errors: [{ path: 'X-Session-Key', message }],
  });
}

function cookieOf({ headers }: FastifyRequest): string | null {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === COOKIE) return pair.slice(at + 1).trim();
  }
  return null;
}

/** RFC 6265bis: no script reads it, no other site's request but a followed link carries it. */
const cookie = (token: string, isSecure: boolean): string =>
  `${COOKIE}=${token}; Path=${PREFIX}; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

/** An operation by session and id. @throws PlatformError `not_found` for what is no id */
export function refOf({ projectId, sessionKey }: Session, id: string): OperationRef {
  if (!isUuid(id)) throw new PlatformError('not_found', `There is no operation ${JSON.stringify(id)}`);
  return { projectId, sessionKey, id: id.toLowerCase() };
}
