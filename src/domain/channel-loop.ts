// Finds channels that would feed themselves, directly or through others. Pure; asked by create- and update-channel.
import type { Channel, ChannelInput, ChannelOutput } from '#domain/channel.ts';
import {
  bareHost,
  isAnyHost,
  isMulticast,
  parseGroup,
  portOf,
  readLiveUrl,
  rtmpParts,
} from '#domain/channel-target.ts';

/** What the loop finder must know of the machine. */
export type LoopFacts = {
  /** Addresses that mean this machine. */
  readonly localAddresses: ReadonlySet<string>;
  /** Host names and ports this server answers under: `localhost:8080`. */
  readonly ownOrigins: ReadonlySet<string>;
};

/** One end of a stream: what must be equal for a reader to hear a writer. */
type End = { readonly family: string; readonly host: string; readonly port: number; readonly path: string };
export type LoopChannel = Pick<Channel, 'id' | 'name' | 'slug' | 'spec' | 'abr'>;

/** Names of the channels on the way round, the asked one first and last; null where there is no loop. */
export function findLoop(asked: LoopChannel, others: readonly LoopChannel[], facts: LoopFacts): string[] | null {
  const all = [asked, ...others.filter(({ id }) => id !== asked.id)];
  const seen = new Set<number>();
  const follow = (from: LoopChannel, way: readonly string[]): string[] | null => {
    for (const to of all) {
      if (!feeds(from, to, facts)) continue;
      if (to.id === asked.id) return [...way, asked.name];
      if (seen.has(to.id)) continue;
      seen.add(to.id);
      const found = follow(to, [...way, to.name]);
      if (found) return found;
    }
    return null;
  };
  return follow(asked, [asked.name]);
}

function feeds(from: LoopChannel, to: LoopChannel, facts: LoopFacts): boolean {
  const writes = outputsOf(from).flatMap((output) => outputEnd(output, from));
  const reads = inputsOf(to).flatMap((input) => inputEnd(input, facts));
  return reads.some((read) => writes.some((write) => meets(write, read, facts)));
}

/** Every output that a channel has, with what profiles take over from it. */
export function outputsOf({ spec, abr }: Pick<Channel, 'spec' | 'abr'>): ChannelOutput[] {
  if (!spec.isAbr || abr.length === 0) return [spec];
  return abr.map((profile) => profileOutput(spec, profile));
}

/** Where a profile goes: its own place, or the channel's where it names none. */
export function profileOutput(spec: ChannelOutput, profile: Channel['abr'][number]): ChannelOutput {
  const own = profile.outputUrl !== null || profile.outputMulticastIp !== null;
  return {
    outputType: profile.outputType ?? spec.outputType,
    outputUrl: own ? profile.outputUrl : spec.outputUrl,
    outputMulticastIp: own ? profile.outputMulticastIp : spec.outputMulticastIp,
    outputNetwork: profile.outputNetwork ?? spec.outputNetwork,
  };
}

export const inputsOf = ({ spec }: Pick<Channel, 'spec'>): ChannelInput[] =>
  spec.fallbackInput ? [spec, spec.fallbackInput] : [spec];

function outputEnd(output: ChannelOutput, channel: Pick<Channel, 'id' | 'slug'>): End[] {
  if (output.outputType === 'hls')
    return [String(channel.id), channel.slug].map((path) => ({ family: 'hls', host: '', port: 0, path }));
  if (output.outputType === 'file')
    return output.outputUrl === null ? [] : [{ family: 'file', host: '', port: 0, path: output.outputUrl }];
  return datagramOrUrl(output.outputType, output.outputMulticastIp, output.outputUrl);
}

function inputEnd(input: ChannelInput, facts: LoopFacts): End[] {
  if (input.inputType === 'test') return [];
  if (input.inputType === 'file')
    return input.inputFile === null ? [] : [{ family: 'file', host: '', port: 0, path: input.inputFile }];
  if (input.inputType !== 'hls') return datagramOrUrl(input.inputType, input.inputMulticastIp, input.inputUrl);
  const url = input.inputUrl === null ? null : URL.parse(input.inputUrl);
  const channel = url && /^\/live\/([^/]+)/.exec(url.pathname)?.[1];
  if (!url || !channel || !isOwn(url, facts)) return [];
  return [{ family: 'hls', host: '', port: 0, path: decodeURIComponent(channel) }];
}

function isOwn(url: URL, { localAddresses, ownOrigins }: LoopFacts): boolean {
  const host = bareHost(url);
  return ownOrigins.has(`${host}:${portOf(url)}`) || localAddresses.has(host) || isLoopbackName(host);
}

const isLoopbackName = (host: string): boolean => /(^|\.)localhost\.?$/i.test(host) || /^127\./.test(host);

function datagramOrUrl(type: string, group: string | null, address: string | null): End[] {
  const family = type === 'rtp' ? 'udp' : type;
  const parsed = group === null ? null : parseGroup(group);
  if (parsed) return [{ family, host: parsed.host, port: parsed.port, path: '' }];
  const url = address === null ? null : readLiveUrl(address);
  if (!url) return [];
  const isRtmp = family === 'rtmp';
  const { app, key } = isRtmp ? rtmpParts(url) : { app: '', key: '' };
  const path = isRtmp ? `${app}/${key.split('?', 1)[0]}` : '';
  return [{ family, host: bareHost(url), port: portOf(url), path }];
}

function meets(write: End, read: End, facts: LoopFacts): boolean {
  if (write.family !== read.family || write.port !== read.port || write.path !== read.path) return false;
  if (write.host === read.host) return true;
  if (isMulticast(write.host) || isMulticast(read.host)) return false;
  // Two spellings of this machine are one place.
  const isHere = (host: string) => isAnyHost(host) || isLoopbackName(host) || facts.localAddresses.has(host);
  return isHere(write.host) && isHere(read.host);
}
