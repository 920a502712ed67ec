// Who calls, and whether they may: keys, scopes, and what is open to all. Wired by server.ts, once for every route of every API.
import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { refuseForeignPages } from '#api/browser-guard.ts';
import type { Api, RouteScope } from '#api/context.ts';
import { type ApiKey, countApiKeys, findApiKey } from '#database/api-keys.ts';
import { type Caller, DEFAULT_PROJECT, isScope, mayUse, needsKey, SCOPES } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import { hashKey } from '#workflows/create-key.ts';
import type { Platform } from '#workflows/platform.ts';
import { noteKeyUse } from '#workflows/revoke-key.ts';

/** Seconds that a looked-up key is trusted: how long a revoked one may still open things. */
const TRUST_SECONDS = 5;
const MOST_KNOWN = 1000;
const ANYBODY: Caller = { projectId: DEFAULT_PROJECT, scopes: SCOPES, keyId: null };

/** @throws PlatformError `invalid_setting` where keys are needed and none exists: nobody could ever call it */
export async function requireSomeKey({ config, database }: Platform): Promise<void> {
  if (!needsKey(config) || config.ADMIN_KEY !== undefined || (await countApiKeys(database.db)) > 0) return;
  throw new PlatformError(
    'invalid_setting',
    `HOST=${config.HOST} can be reached by others and there is no key yet: set ADMIN_KEY, or make one with "rendition keys create --name me --scopes admin"`,
  );
}

export function installAuth(app: Api, platform: Platform): void {
  const authenticate = needsKey(platform.config) ? keyChecker(platform) : null;
  app.decorateRequest('caller', null);
  app.decorateRequest('isKeyGood', null);
  app.addHook('onRequest', async (request) => {
    const accepted = request.is404 ? null : request.routeOptions.config.accept?.(request);
    if (accepted) {
      request.caller = accepted;
      return;
    }
    if (!authenticate) {
      refuseForeignPages(request, platform.config);
      request.caller = ANYBODY;
      return;
    }
    const scope: RouteScope = request.is404 ? 'open' : (request.routeOptions.config.scope ?? 'admin');
    if (scope === 'open') return;
    const key = sentKey(request);
    const caller = await authenticate(key);
    if (!mayUse(caller, scope)) {
      throw new PlatformError(
        'forbidden',
        `This key has the scopes ${caller.scopes.join(', ') || 'none'}; ${request.method} ${request.routeOptions.url} needs ${scope}`,
      );
    }
    if (request.routeOptions.config.shared && caller.projectId !== DEFAULT_PROJECT)
      throw new PlatformError(
        'forbidden',
        `This key is of the project ${caller.projectId}; ${request.method} ${request.routeOptions.url} concerns all projects and needs one of the project ${DEFAULT_PROJECT}`,
      );
    request.caller = caller;
    if (caller.keyId !== null)
      request.isKeyGood = async () => (await findApiKey(platform.database.db, hashKey(key))) !== null;
  });
}

function sentKey({ headers }: FastifyRequest): string {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const plain = headers['x-api-key'];
  const key = bearer ?? (typeof plain === 'string' && plain !== '' ? plain : undefined);
  if (key === undefined)
    throw new PlatformError(
      'unauthorized',
      'This server needs a key: send it as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
    );
  return key;
}

function keyChecker(platform: Platform): (key: string) => Promise<Caller> {
  const known = new Map<string, { readonly key: ApiKey; readonly until: number }>();
  const adminHash = platform.config.ADMIN_KEY === undefined ? null : Buffer.from(hashKey(platform.config.ADMIN_KEY));
  return async (sent) => {
    const hash = hashKey(sent);
    if (adminHash && timingSafeEqual(adminHash, Buffer.from(hash)))
      return { projectId: DEFAULT_PROJECT, scopes: ['admin'], keyId: null };
    const found = known.get(hash);
    if (found && found.until > performance.now()) return toCaller(found.key);
    const key = await findApiKey(platform.database.db, hash);
    known.delete(hash);
    if (!key) throw new PlatformError('unauthorized', 'This key is not known, or was revoked');
    // Insertion order is age: the first are the stalest.
    for (const old of known.keys()) {
      if (known.size < MOST_KNOWN) break;
      known.delete(old);
    }
    known.set(hash, { key, until: performance.now() + TRUST_SECONDS * 1000 });
    await noteKeyUse(platform, { id: key.id });
    return toCaller(key);
  };
}

const toCaller = ({ id, projectId, scopes }: ApiKey): Caller => ({
  projectId,
  scopes: scopes.filter(isScope),
  keyId: id,
});
