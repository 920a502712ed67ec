// What FFmpeg shall open for an input of a channel: names resolved and judged, files found, interfaces as addresses. Used by the runner before each start.
import { findUpload } from '#database/uploads.ts';
import { type ChannelInput, uploadNamed } from '#domain/channel.ts';
import { isListening } from '#domain/channel-rules.ts';
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
import { openRelay } from '#live/relay.ts';
import { dial, interfaceAddress, srtUrl, userOf } from '#live/resolve-network.ts';
import { rtmpPlace } from '#live/rtmp-place.ts';
import type { LiveSource } from '#media/command/live-input.ts';

/** Where a publisher is waited for, and what it must know. */
export type PublisherPlace = {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  readonly key: string;
};

export type ResolvedInput = {
  readonly source: LiveSource;
  readonly secrets: readonly string[];
  /** Of a publisher over RTMP. */
  readonly publisher: PublisherPlace | null;
  close(): Promise<void>;
};

export type InputWish = {
  /** Of the channel: nobody shows another's uploads. */
  readonly projectId: string;
  readonly input: ChannelInput;
  /** Of a pattern of ours. */
  readonly picture: { readonly width: number; readonly height: number; readonly rate: number };
  readonly proxy: string;
};

/** @throws PlatformError `source_*`, `invalid_request`, `not_found` */
export async function resolveInput(
  { platform }: Pick<LiveContext, 'platform'>,
  { projectId, input, picture, proxy }: InputWish,
): Promise<ResolvedInput> {
  const guard = platform.egress.as('source');
  const secrets = input.inputUrl === null ? [] : secretsOf(input.inputUrl);
  const plain = (source: LiveSource): ResolvedInput => ({
    source,
    secrets,
    publisher: null,
    close: async () => undefined,
  });
  switch (input.inputType) {
    case 'test':
      return plain({ kind: 'test', ...picture });
    case 'file':
      return resolveFile(platform, { projectId, input });
    case 'udp':
    case 'rtp':
      return plain(datagrams(input, input.inputType));
    case 'hls': {
      const url = guard.checkUrl(needed(input));
      return { ...plain({ kind: 'hls', url: url.href, proxy }), secrets: [...secrets, new URL(proxy).password] };
    }
    case 'srt': {
      if (!isListening(input)) return plain({ kind: 'srt', url: srtUrl(await dial(guard, needed(input)), 'caller') });
      const url = parseLiveUrl(needed(input));
      return plain({ kind: 'srt', url: srtUrl({ url, host: listenHost(input, url), port: portOf(url) }, 'listener') });
    }
    case 'rtsp': {
      const dialled = await dial(guard, needed(input));
      const { url } = dialled;
      const relay = await openRelay({ guard, dialled, isTls: url.protocol === 'rtsps:', isRtsp: true });
      const place = `rtsp://${userOf(url)}127.0.0.1:${relay.port}${url.pathname}${url.search}`;
      return { ...plain({ kind: 'rtsp', url: place }), close: relay.close };
    }
    case 'rtmp': {
      if (isListening(input)) return { ...plain({ kind: 'publisher' }), publisher: publisherPlace(input) };
      const { close, ...place } = await rtmpPlace(guard, needed(input));
      return { ...plain({ kind: 'rtmp', ...place }), close };
    }
  }
}

function needed({ inputUrl, inputType }: ChannelInput): string {
  if (inputUrl === null) throw new PlatformError('invalid_request', `input_url: needed for ${inputType}`);
  return inputUrl.trim();
}

function datagrams(input: ChannelInput, kind: 'udp' | 'rtp'): LiveSource {
  const localAddress = interfaceAddress(input.inputNetwork);
  const group = input.inputMulticastIp === null ? null : parseGroup(input.inputMulticastIp);
  if (group) return { kind, ...group, localAddress };
  const url = parseLiveUrl(needed(input));
  const host = bareHost(url);
  if (isMulticast(host)) return { kind, host, port: portOf(url), localAddress };
  // Not a place to call but one to listen at.
  return { kind, host: isAnyHost(host) ? (localAddress ?? '0.0.0.0') : host, port: portOf(url), localAddress: null };
}

const listenHost = (input: ChannelInput, url: URL): string => {
  const host = bareHost(url);
  return isAnyHost(host) ? (interfaceAddress(input.inputNetwork) ?? '0.0.0.0') : host;
};

function publisherPlace(input: ChannelInput): PublisherPlace {
  const url = parseLiveUrl(needed(input));
  const { app, key } = rtmpParts(url);
  return { host: listenHost(input, url), port: portOf(url), app, key: key.split('?', 1)[0] ?? '' };
}

async function resolveFile(
  platform: LiveContext['platform'],
  { projectId, input }: Pick<InputWish, 'projectId' | 'input'>,
): Promise<ResolvedInput> {
  const uploadId = uploadNamed(input.inputFile);
  if (uploadId !== null && !(await findUpload(platform.database.db, { projectId, id: uploadId })))
    throw new PlatformError('not_found', `There is no upload ${uploadId}`);
  const { store, key } = await platform.locations.openSource(
    uploadId === null ? { kind: 'file', path: input.inputFile ?? '' } : { kind: 'upload', uploadId },
  );
  const { size } = await store.stat(key);
  const path = store.localPath(key);
  const base = { secrets: [], publisher: null };
  if (path !== null) {
    await store.close();
    const source = { kind: 'file', input: { kind: 'file', path }, loop: input.inputLoop } as const;
    return { ...base, source, close: async () => undefined };
  }
  if (size === null) throw new PlatformError('storage_failed', 'The storage does not tell the size of the source');
  const served = platform.ranges.serve(store, key, { size });
  return {
    ...base,
    source: { kind: 'file', input: { kind: 'loopback', url: served.url }, loop: input.inputLoop },
    close: async () => {
      served.close();
      await store.close();
    },
  };
}
