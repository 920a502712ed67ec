// What every route of the APIs is given: the platform, who calls, and what the server shares among routes. Made by server.ts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { EventStream } from '#api/event-stream.ts';
import type { Caller, Scope } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export type ApiContext = {
  readonly platform: Platform;
  /** Open event streams: ended before the server closes. */
  readonly streams: Set<EventStream>;
  /** Where videos play, of a listener that serves something else alone (`--seed-ports`). */
  readonly playbackPort?: number;
  /** Of the server that serves everything, of such a listener. */
  readonly mainPort?: number;
};

/** What a route needs of its caller; `open` needs no key. Every route says it: server.ts refuses one that does not. */
export type RouteScope = Scope | 'open';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly scope?: RouteScope;
    /** It changes what all projects share: for keys of the default project alone, whose admins run the installation. */
    readonly shared?: boolean;
    /** Another way in than a key, like a signed token: who comes by it; null where the request carries none. It may throw `unauthorized`. */
    readonly accept?: (request: FastifyRequest) => Caller | null;
    /** Statuses it answers with beside those of its schema. For the OpenAPI document. */
    readonly answers?: readonly number[];
    /** A body that the route reads as it comes, so that its schema can't say it: media types, and what is in it. For the OpenAPI document. */
    readonly takes?: { readonly types: readonly string[]; readonly body: z.ZodType };
    /** Headers that it reads. For the OpenAPI document. */
    readonly reads?: z.ZodObject;
    /** Of an API with an envelope of its own: what its errors are wrapped in, and what it answers beside the usual. For the OpenAPI document. */
    readonly failure?: { readonly type: string; readonly schema: z.ZodType; readonly codes: readonly string[] };
  }
  interface FastifyRequest {
    caller: Caller | null;
    /** Whether the key it came with is good now, not when it came: asked by what stays open. Null where no key of the database was sent. */
    isKeyGood: (() => Promise<boolean>) | null;
  }
}

/** The caller of a route that is not open. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller) return request.caller;
  throw new PlatformError('internal', `${request.method} ${request.url} was let through without a caller`);
}

/** A name or address and a port: RFC 9110 §7.2, without what no host is called. */
const HOST = /^[\w.-]+(:\d{1,5})?$|^\[[\da-f:.]+\](:\d{1,5})?$/i;

/** `https://media.example.com`: PUBLIC_URL, or what the caller reached us under. No slash at its end. @throws PlatformError `invalid_request` */
export function baseUrl({ platform }: ApiContext, request: FastifyRequest): string {
  if (platform.config.PUBLIC_URL !== undefined) return platform.config.PUBLIC_URL.replace(/\/+$/, '');
  const base = `${request.protocol}://${request.host}`;
  // The scheme may be a header as well, of a proxy that lets through what its clients claim.
  if (/^https?$/.test(request.protocol) && HOST.test(request.host) && URL.canParse(base)) return base;
  throw new PlatformError('invalid_request', 'The Host header names no host that links could lead to');
}

/** The same, in front of what plays. */
export function playbackBase(context: ApiContext, request: FastifyRequest): string {
  return baseAt(context, request, context.playbackPort);
}

/** The same, in front of what only the server of everything serves. */
export function mainBase(context: ApiContext, request: FastifyRequest): string {
  return baseAt(context, request, context.mainPort);
}

function baseAt(context: ApiContext, request: FastifyRequest, port: number | undefined): string {
  const base = baseUrl(context, request);
  if (port === undefined || context.platform.config.PUBLIC_URL !== undefined) return base;
  const url = new URL(base);
  url.port = String(port);
  return url.origin;
}
