// What FFmpeg shall send to for an output of a channel. Used by pushers before each start.
import path from 'node:path';
import {
  bareHost,
  isAnyHost,
  isMulticast,
  parseGroup,
  parseLiveUrl,
  portOf,
  secretsOf,
} from '#domain/channel-target.ts';
import { PlatformError } from '#domain/error.ts';
import type { LiveContext } from '#live/live-work.ts';
import { dial, interfaceAddress, srtUrl } from '#live/resolve-network.ts';
import { rtmpPlace } from '#live/rtmp-place.ts';
import { type LiveTarget, muxRateFor } from '#media/command/live-output.ts';
import type { LiveOutput, LiveRendition } from '#media/live-plan.ts';

export type ResolvedOutput = {
  readonly target: LiveTarget;
  readonly secrets: readonly string[];
  close(): Promise<void>;
};

/** Routers between networks that a datagram may pass; FFmpeg's own default. */
const TTL = 16;

/** @throws PlatformError `destination_*`, `invalid_request` */
export async function resolveOutput(
  { platform }: LiveContext,
  output: LiveOutput,
  rendition: LiveRendition,
): Promise<ResolvedOutput> {
  const guard = platform.egress.as('destination');
  const secrets = output.outputUrl === null ? [] : secretsOf(output.outputUrl);
  const plain = (target: LiveTarget): ResolvedOutput => ({ target, secrets, close: async () => undefined });
  const url = output.outputUrl?.trim() ?? '';
  switch (output.outputType) {
    case 'udp': {
      const localAddress = interfaceAddress(output.outputNetwork);
      const common = { kind: 'udp', localAddress, ttl: TTL, muxRate: muxRateFor(rendition) } as const;
      const group = output.outputMulticastIp === null ? null : parseGroup(output.outputMulticastIp);
      if (group) return plain({ ...common, ...group });
      const parsed = parseLiveUrl(url);
      const host = bareHost(parsed);
      if (isMulticast(host)) return plain({ ...common, host, port: portOf(parsed) });
      const { address, port } = await dial(guard, url);
      return plain({ ...common, host: address, port });
    }
    case 'rtmp': {
      const { close, ...place } = await rtmpPlace(guard, url);
      return { target: { kind: 'rtmp', ...place }, secrets, close };
    }
    case 'srt': {
      const parsed = parseLiveUrl(url);
      const host = bareHost(parsed);
      if (parsed.searchParams.get('mode') === 'listener' && isAnyHost(host)) {
        const local = interfaceAddress(output.outputNetwork) ?? '0.0.0.0';
        const place = srtUrl({ url: parsed, host: local, port: portOf(parsed) }, 'listener');
        return plain({ kind: 'srt', url: `${place}&pkt_size=1316` });
      }
      return plain({ kind: 'srt', url: `${srtUrl(await dial(guard, url), 'caller')}&pkt_size=1316` });
    }
    case 'file':
      return plain(await resolveFile(platform, url, rendition));
    case 'hls':
      throw new PlatformError('internal', 'HLS is not pushed');
  }
}

/** Each run writes a file of its own: what was recorded before a break stays. */
async function resolveFile(
  platform: LiveContext['platform'],
  asked: string,
  { audio }: LiveRendition,
): Promise<LiveTarget> {
  const { dir, name, ext } = path.posix.parse(asked);
  const stamp = new Date().toISOString().replace(/[:.]/g, '-');
  const { store, key } = await platform.locations.openDestination({
    kind: 'file',
    path: path.posix.join(dir, `${name}-${stamp}${ext}`),
  });
  // Only what exists has a path that was judged; FFmpeg writes over it.
  await store.write(key, Buffer.alloc(0));
  const place = store.localPath(key);
  await store.close();
  if (place === null) throw new PlatformError('destination_denied', `${asked} is no place for a file`);
  const format = ext.slice(1).toLowerCase() as 'ts' | 'mp4' | 'mkv' | 'flv';
  return { kind: 'file', path: place, format, isAac: audio === 'aac' };
}
