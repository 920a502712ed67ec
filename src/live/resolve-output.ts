// What FFmpeg shall send to for an output of a channel. Used by pushers before each start.
import path from 'node:path';
import {
  bareHost,
  isAnyHost,
  isMulticast,
  parseGroup,
  parseLiveUrl,
  portOf,
  rtmpParts,
  secretsOf,
} from '#domain/channel-target.ts';
import { PlatformError } from '#domain/error.ts';
import type { LiveContext } from '#live/live-work.ts';
import { dial, interfaceAddress, srtUrl, userOf } from '#live/resolve-network.ts';
import { type LiveTarget, muxRateFor } from '#media/command/live-output.ts';
import type { LiveOutput, LiveRendition } from '#media/live-plan.ts';

export type ResolvedOutput = { readonly target: LiveTarget; readonly secrets: readonly string[] };

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
  const url = output.outputUrl?.trim() ?? '';
  switch (output.outputType) {
    case 'udp': {
      const localAddress = interfaceAddress(output.outputNetwork);
      const common = { kind: 'udp', localAddress, ttl: TTL, muxRate: muxRateFor(rendition) } as const;
      const group = output.outputMulticastIp === null ? null : parseGroup(output.outputMulticastIp);
      if (group) return { target: { ...common, ...group }, secrets };
      const parsed = parseLiveUrl(url);
      const host = bareHost(parsed);
      if (isMulticast(host)) return { target: { ...common, host, port: portOf(parsed) }, secrets };
      const { address, port } = await dial(guard, url);
      return { target: { ...common, host: address, port }, secrets };
    }
    case 'rtmp': {
      const { url: parsed, host, port } = await dial(guard, url);
      const { app } = rtmpParts(parsed);
      const place = `${parsed.protocol}//${userOf(parsed)}${host}:${port}${parsed.pathname}${parsed.search}`;
      const tcUrl = bareHost(parsed) === host ? null : `${parsed.protocol}//${parsed.host}/${app}`;
      return { target: { kind: 'rtmp', url: place, tcUrl }, secrets };
    }
    case 'srt': {
      const parsed = parseLiveUrl(url);
      const host = bareHost(parsed);
      if (parsed.searchParams.get('mode') === 'listener' && isAnyHost(host)) {
        const local = interfaceAddress(output.outputNetwork) ?? '0.0.0.0';
        return {
          target: {
            kind: 'srt',
            url: `${srtUrl({ url: parsed, host: local, port: portOf(parsed) }, 'listener')}&pkt_size=1316`,
          },
          secrets,
        };
      }
      return { target: { kind: 'srt', url: `${srtUrl(await dial(guard, url), 'caller')}&pkt_size=1316` }, secrets };
    }
    case 'file':
      return { target: await resolveFile(platform, url, rendition), secrets };
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
