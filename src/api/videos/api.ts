// The videos API: upload, transcode, metadata, stream, admin. One list of routes for each of its five services. Wired by server.ts.
import { allowAnyOrigin } from '#api/any-origin.ts';
import type { Api, ApiContext } from '#api/context.ts';
import { videoAdminRoutes } from '#api/videos/admin-routes.ts';
import { acceptBytes, acceptForms } from '#api/videos/forms.ts';
import { playerRoutes } from '#api/videos/player-routes.ts';
import { presignRoutes } from '#api/videos/presign-routes.ts';
import { speedTestRoutes } from '#api/videos/speed-test-routes.ts';
import { streamRoutes } from '#api/videos/stream-routes.ts';
import { transcodeRoutes } from '#api/videos/transcode-routes.ts';
import { tusRoutes } from '#api/videos/tus-routes.ts';
import { uploadRoutes } from '#api/videos/upload-routes.ts';
import { uploadTokenRoutes } from '#api/videos/upload-token-routes.ts';
import { videoRoutes } from '#api/videos/video-routes.ts';

type Routes = (app: Api, context: ApiContext) => void;

const VIDEO_SERVICES = ['upload', 'transcoding', 'metadata', 'streaming', 'admin'] as const;
export type VideoService = (typeof VIDEO_SERVICES)[number];

const ROUTES: Readonly<Record<VideoService, readonly Routes[]>> = {
  upload: [uploadRoutes, tusRoutes, presignRoutes, uploadTokenRoutes, speedTestRoutes],
  transcoding: [transcodeRoutes],
  metadata: [videoRoutes],
  streaming: [streamRoutes, playerRoutes],
  admin: [videoAdminRoutes],
};

/** @param services all of them, or those that a listener of its own serves (`--seed-ports`) */
export function videosApi(app: Api, context: ApiContext, services: readonly VideoService[] = VIDEO_SERVICES): void {
  // In a room of their own: how they read bodies is no other API's.
  void app.register(async (room: Api) => {
    acceptForms(room);
    acceptBytes(room);
    if (services.includes('streaming')) allowAnyOrigin(room, '/stream/:id/*');
    for (const service of services) for (const routes of ROUTES[service]) routes(room, context);
  });
}
