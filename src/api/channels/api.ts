// The routes of the channels API, put together. Called by server.ts.
import { allowAnyOrigin } from '#api/any-origin.ts';
import { channelFigureRoute } from '#api/channels/figure-route.ts';
import { channelHistoryRoute } from '#api/channels/history-route.ts';
import { channelJobRoutes } from '#api/channels/job-routes.ts';
import { liveRoutes } from '#api/channels/live-routes.ts';
import { channelRoutes } from '#api/channels/routes.ts';
import { channelSystemRoutes } from '#api/channels/system-routes.ts';
import type { Api, ApiContext } from '#api/context.ts';

export function channelsApi(app: Api, context: ApiContext): void {
  channelRoutes(app, context);
  channelJobRoutes(app, context);
  channelFigureRoute(app, context);
  channelHistoryRoute(app, context);
  channelSystemRoutes(app, context);
  liveRoutes(app, context);
  allowAnyOrigin(app, '/live/:channel/*');
}
