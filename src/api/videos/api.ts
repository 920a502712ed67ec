// The videos API: upload, transcode, metadata, stream, admin. One list of routes for each of its five services. Wired by server.ts.
import type { Api, ApiContext } from '#api/context.ts';

type Routes = (app: Api, context: ApiContext) => void;

export const VIDEO_SERVICES = ['upload', 'transcoding', 'metadata', 'streaming', 'admin'] as const;
export type VideoService = (typeof VIDEO_SERVICES)[number];

const ROUTES: Readonly<Record<VideoService, readonly Routes[]>> = {
  upload: [],
  transcoding: [],
  metadata: [],
  streaming: [],
  admin: [],
};

/** @param services all of them, or those that a listener of its own serves (`--seed-ports`) */
export function videosApi(app: Api, context: ApiContext, services: readonly VideoService[] = VIDEO_SERVICES): void {
  for (const service of services) for (const routes of ROUTES[service]) routes(app, context);
}
