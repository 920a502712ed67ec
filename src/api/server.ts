// The HTTP server: what every API shares (keys, errors, headers, documentation) and the APIs themselves. Made by cli/serve and the tests.
import { Readable } from 'node:stream';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifySchemaCompiler, LogController } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { installAuth, requireSomeKey } from '#api/auth.ts';
import { channelsApi } from '#api/channels/api.ts';
import { findLivePage } from '#api/channels/live-pages.ts';
import { compressAnswers } from '#api/compress-answers.ts';
import type { Api, ApiContext } from '#api/context.ts';
import { installDashboard } from '#api/dashboard.ts';
import { encoderRoutes } from '#api/encoder/routes.ts';
import { checkWith, installErrors, MOST_FORM_FIELDS, refuseAddress } from '#api/errors.ts';
import type { EventStream } from '#api/event-stream.ts';
import { attemptRoutes } from '#api/jobs/attempt-routes.ts';
import { deliveryRoutes } from '#api/jobs/delivery-routes.ts';
import { outputRoutes } from '#api/jobs/output-routes.ts';
import { planRoutes } from '#api/jobs/plan-routes.ts';
import { jobRoutes } from '#api/jobs/routes.ts';
import { taskRoutes } from '#api/jobs/task-routes.ts';
import { type FindPlayable, oembedRoute } from '#api/oembed.ts';
import { describeRoute, finishDocument } from '#api/openapi.ts';
import { operationsApi } from '#api/operations/routes.ts';
import { installSecurityHeaders } from '#api/security-headers.ts';
import { adminRoutes } from '#api/system/admin-routes.ts';
import { eventRoutes } from '#api/system/event-routes.ts';
import { loadRoutes } from '#api/system/load-routes.ts';
import { overviewRoutes } from '#api/system/overview-routes.ts';
import { queueRoutes } from '#api/system/queue-routes.ts';
import { systemRoutes } from '#api/system/routes.ts';
import { storageRoutes } from '#api/system/storage-routes.ts';
import { unpackBodies } from '#api/unpack-bodies.ts';
import { type VideoService, videosApi } from '#api/videos/api.ts';
import { findVideoPage } from '#api/videos/player-routes.ts';
import { serviceRoutes } from '#api/videos/service-routes.ts';
import { TUS_HEADERS } from '#api/videos/tus-headers.ts';
import { PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

/** Bytes of a JSON body where a route does not say otherwise. */
const BODY_LIMIT = 1024 ** 2;
/** bytes read ahead of an upload while the disk writes; measured with the default of 64 KiB: a third of the throughput */
const SOCKET_BUFFER = 1024 ** 2;
/** How long a browser may remember what a preflight was answered. */
const PREFLIGHT_SECONDS = 86_400;
/** Milliseconds without a byte in either direction after which a connection is ended: whoever holds many of them open costs memory. */
const SILENCE = 300_000;
/** Seconds that requests may still take after the server was told to close. */
const CLOSE_PATIENCE = 3;
/** What swagger-ui and static files register for themselves: open to all. */
const OWN_FILES = ['/docs', '/assets'];

/** A listener that serves one service of the videos API alone. */
export type OnlyService = {
  readonly service: VideoService;
  /** Where what plays is served; left out, here. */
  readonly playbackPort?: number;
  /** Of the server that serves everything. */
  readonly mainPort: number;
};

/**
 * Builds the server; it does not listen yet.
 * @throws PlatformError `invalid_setting` where keys are needed and none exists
 */
export async function createServer(platform: Platform, only?: OnlyService): Promise<Api> {
  await requireSomeKey(platform);
  const app = Fastify({
    loggerInstance: platform.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    http: { highWaterMark: SOCKET_BUFFER, optimizeEmptyRequests: true },
    trustProxy: platform.config.TRUSTED_PROXIES.length > 0 ? [...platform.config.TRUSTED_PROXIES] : false,
    forceCloseConnections: 'idle',
    connectionTimeout: SILENCE,
    frameworkErrors: refuseAddress,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
  }).withTypeProvider<import('fastify-type-provider-zod').ZodTypeProvider>() as unknown as Api;
  app.setValidatorCompiler(zodValidator);
  app.setSerializerCompiler(serializerCompiler);
  const streams = new Set<EventStream>();
  const port = only?.playbackPort;
  const context: ApiContext = {
    ...{ platform, streams },
    ...(port === undefined ? {} : { playbackPort: port }),
    ...(only ? { mainPort: only.mainPort } : {}),
  };
  closeInTime(app, streams);
  installErrors(app);
  requireScopes(app);
  endEmptyBodies(app);
  unpackBodies(app);
  allowEmptyJson(app);
  compressAnswers(app);
  await app.register(helmet, { global: false });
  installSecurityHeaders(app);
  await app.register(cors, {
    origin: platform.config.CORS_ALLOWED_ORIGINS.includes('*') ? '*' : [...platform.config.CORS_ALLOWED_ORIGINS],
    exposedHeaders: [
      'Location',
      'ETag',
      'Content-Range',
      'Content-Length',
      'Retry-After',
      'X-Session-Key',
      ...TUS_HEADERS,
    ],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    // Load balancers and tools ask OPTIONS without being pages of anybody.
    strictPreflight: false,
    // Else a page asks anew before every piece that it sends; browsers bound it themselves (two hours, or a day).
    maxAge: PREFLIGHT_SECONDS,
    // Named origins may keep the session cookie of the operations API; whoever opens it to all has only the header.
    credentials: !platform.config.CORS_ALLOWED_ORIGINS.includes('*'),
  });
  installAuth(app, platform);
  await app.register(multipart, {
    limits: { files: 2, fields: MOST_FORM_FIELDS, fieldSize: BODY_LIMIT, fileSize: platform.config.MAX_SOURCE_BYTES },
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Rendition',
        version: '0.1.0',
        description: 'The media platform you run yourself.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      // Generated clients begin with it; where it is not known, it is the server that the document came from.
      servers: [{ url: platform.config.PUBLIC_URL?.replace(/\/+$/, '') ?? '/' }],
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer' },
          header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        },
      },
      security: [{ key: [] }, { header: [] }],
    },
    transform: describeRoute,
    transformObject: finishDocument,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // The validator badge would ask a foreign host; the bar above asks for the address of a document, and there is only this one.
    uiConfig: { validatorUrl: null, docExpansion: 'list', layout: 'BaseLayout' },
    theme: { title: 'Rendition API' },
    staticCSP: {
      'default-src': "'self'",
      'img-src': "'self' data:",
      'style-src': "'self' 'unsafe-inline'",
      'script-src': "'self'",
    },
  });
  if (only) {
    serviceRoutes(app, context, only.service);
    videosApi(app, context, [only.service]);
    if (only.service === 'streaming') oembedRoute(app, context, [findVideoPage]);
    return app;
  }
  systemRoutes(app, context);
  eventRoutes(app, context);
  queueRoutes(app, context);
  overviewRoutes(app, context);
  loadRoutes(app, context);
  adminRoutes(app, context);
  storageRoutes(app, context);
  planRoutes(app, context);
  if (platform.config.APIS.includes('jobs')) {
    jobRoutes(app, context);
    deliveryRoutes(app, context);
    outputRoutes(app, context);
    taskRoutes(app, context);
    attemptRoutes(app, context);
  }
  const players: FindPlayable[] = [];
  if (platform.config.APIS.includes('videos')) {
    videosApi(app, context);
    players.push(findVideoPage);
  }
  if (platform.config.APIS.includes('channels')) {
    channelsApi(app, context);
    players.push(findLivePage);
  }
  oembedRoute(app, context, players);
  if (platform.config.APIS.includes('encoder')) encoderRoutes(app, context);
  if (platform.config.APIS.includes('operations')) await operationsApi(app, context);
  await installDashboard(app);
  return app;
}

/**
 * Of a request without a body Node makes no stream (a fifth more playlists a second): it is closed from the beginning and never tells of its
 * end. Whoever reads one is given a stream that does. Forms are read past this: one without a body is refused.
 */
function endEmptyBodies(app: Api): void {
  app.addHook('preParsing', async ({ raw, headers }, _reply, payload) => {
    if (!raw.closed) return payload;
    if (/^multipart\//i.test(headers['content-type'] ?? ''))
      throw new PlatformError('invalid_request', 'The request has no body: a form is needed');
    return Readable.from([]);
  });
}

/** Many clients name JSON on every call, also where there is nothing to say: `POST /jobs/1/cancel`. */
function allowEmptyJson(app: Api): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, body, done);
  });
}

/** Validation by zod that keeps every field's own error. */
const zodValidator: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data) =>
    checkWith(schema, data);

/** Every route says what it needs of its caller; forgetting it must not mean "open". */
function requireScopes(app: Api): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.scope) return;
    // The preflight answers of @fastify/cors: they carry no key by their nature.
    const preflight = route.method === 'OPTIONS' && route.url === '*';
    if (!preflight && !OWN_FILES.some((path) => route.url === path || route.url.startsWith(`${path}/`))) {
      throw new Error(`The route ${String(route.method)} ${route.url} has no scope`);
    }
    route.config = { ...route.config, scope: 'open' };
  });
}

/** Ends event streams at once and other requests after a while: a slow download must not keep the process. */
function closeInTime(app: Api, streams: ReadonlySet<EventStream>): void {
  app.addHook('preClose', async () => {
    for (const stream of streams) stream.end();
    setTimeout(() => app.server.closeAllConnections(), CLOSE_PATIENCE * 1000).unref();
  });
}
