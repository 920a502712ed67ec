// Where FFmpeg shall speak RTMP to: the judged address itself, or with RTMPS a relay that speaks TLS to it. Used by resolve-input.ts and resolve-output.ts.
import { bareHost, rtmpParts } from '#domain/channel-target.ts';
import { openRelay } from '#live/relay.ts';
import { dial, userOf } from '#live/resolve-network.ts';
import type { Guard } from '#storage/egress.ts';

export type RtmpPlace = {
  readonly url: string;
  /** Servers choose the application by the name they were called by; null where that is the address. */
  readonly tcUrl: string | null;
  close(): Promise<void>;
};

/** @throws PlatformError `*_refused_address`, `*_unreachable`, `*_tls`, `invalid_request` */
export async function rtmpPlace(guard: Guard, address: string): Promise<RtmpPlace> {
  const dialled = await dial(guard, address);
  const { url, host, port } = dialled;
  const { app } = rtmpParts(url);
  const tcUrl = `${url.protocol}//${url.host}/${app}`;
  const at = (place: string) => `rtmp://${userOf(url)}${place}${url.pathname}${url.search}`;
  if (url.protocol !== 'rtmps:')
    return { url: at(`${host}:${port}`), tcUrl: bareHost(url) === host ? null : tcUrl, close: async () => undefined };
  const relay = await openRelay({ guard, dialled, isTls: true, isRtsp: false });
  return { url: at(`127.0.0.1:${relay.port}`), tcUrl, close: relay.close };
}
