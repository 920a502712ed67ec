// `rendition serve --seed-ports`: each service of the videos API on a port of its own, beside the one server. Used by serve.ts.
import type { Api } from '#api/context.ts';
import type { VideoService } from '#api/videos/api.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

/** The ports of the five services as they were before they were one. */
const SEED_PORTS: Readonly<Record<VideoService, number>> = {
  upload: 8001,
  transcoding: 8002,
  metadata: 8003,
  streaming: 8004,
  admin: 8005,
};

export type SeedPorts = {
  /** Where each of them listens. */
  readonly ports: Readonly<Record<VideoService, number>>;
  close(): Promise<void>;
};

/** Where a server listens; null where that is no port. */
export function portOf(app: Api): number | null {
  const [address] = app.addresses();
  return typeof address === 'object' ? address.port : null;
}

/** @param mainPort of the server beside them @param wanted 0 takes a free port @throws PlatformError `port_taken`; nothing listens then */
export async function listenOnSeedPorts(
  platform: Platform,
  mainPort: number,
  wanted: Readonly<Record<VideoService, number>> = SEED_PORTS,
): Promise<SeedPorts> {
  const { createServer } = await import('#api/server.ts');
  const open: Api[] = [];
  const close = async () => {
    await Promise.all(open.map((app) => app.close()));
  };
  const listen = async (service: VideoService, playbackPort?: number): Promise<number> => {
    const app = await createServer(platform, {
      ...{ service, mainPort },
      ...(playbackPort === undefined ? {} : { playbackPort }),
    });
    open.push(app);
    const port = wanted[service];
    try {
      await app.listen({ host: platform.config.HOST, port });
    } catch (error) {
      if (!isNodeError(error) || error.code !== 'EADDRINUSE') throw error;
      throw new PlatformError('port_taken', `Port ${port}, of the ${service} service (--seed-ports), is taken`);
    }
    return portOf(app) ?? port;
  };
  try {
    // First the one that the others' links lead to.
    const streaming = await listen('streaming');
    const upload = await listen('upload', streaming);
    const transcoding = await listen('transcoding', streaming);
    const metadata = await listen('metadata', streaming);
    const admin = await listen('admin', streaming);
    return { ports: { upload, transcoding, metadata, streaming, admin }, close };
  } catch (error) {
    await close();
    throw error;
  }
}
