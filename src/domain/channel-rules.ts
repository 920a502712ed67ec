// What of a channel's fields fits together. Pure; asked before a channel is stored.
import {
  type AbrProfile,
  type ChannelInput,
  type ChannelOutput,
  type ChannelSpec,
  liveAudioCodec,
  liveVideoCodec,
  type NewAbrProfile,
} from '#domain/channel.ts';
import { profileOutput } from '#domain/channel-loop.ts';
import {
  hasHiddenPart,
  isMulticast,
  parseGroup,
  parseLiveUrl,
  readLiveUrl,
  rtmpParts,
} from '#domain/channel-target.ts';
import type { FieldError } from '#domain/error.ts';

/** Schemes of the addresses of each kind. */
export const INPUT_SCHEMES: Readonly<Record<string, readonly string[]>> = {
  udp: ['udp:'],
  rtp: ['rtp:', 'udp:'],
  rtmp: ['rtmp:', 'rtmps:'],
  srt: ['srt:'],
  hls: ['http:', 'https:'],
  rtsp: ['rtsp:', 'rtsps:'],
};
export const OUTPUT_SCHEMES: Readonly<Record<string, readonly string[]>> = {
  udp: ['udp:'],
  rtmp: ['rtmp:', 'rtmps:'],
  srt: ['srt:'],
};
const INTERFACE = /^[\w.:%-]{1,64}$/;
/** In a stream key these would be read as something else by some receiver. */
const ODD = /[\s"'<>\\^`{|}]/;
/** Answers show stars in its place; an address that was changed is another's, who shall not be given the secret of this one. */
const HIDDEN_PART =
  'the address with its password or key in place of ***: it is kept only where nothing else of the address changes';
const FILE_ENDING = /\.(ts|mp4|mkv|flv)$/i;

/** Everything that is wrong, each with its field in the words of the API. */
export function checkChannel(spec: ChannelSpec, abr: readonly (NewAbrProfile | AbrProfile)[]): FieldError[] {
  const errors = [...checkInput(spec, ''), ...(spec.isAbr ? [] : checkOutput(spec, ''))];
  if (spec.fallbackInput) errors.push(...checkInput(spec.fallbackInput, 'fallback_input.'));
  if (spec.isAbr && abr.length === 0)
    errors.push({ path: 'abr', message: 'at least one profile, where is_abr is true' });
  if (spec.isAbr) {
    abr.forEach((profile, i) => {
      const output = profileOutput(spec, { ...profile, id: 0 });
      errors.push(...checkOutput(output, `abr.${i}.`), ...checkCodecs(spec, output, { profile, at: `abr.${i}.` }));
    });
    errors.push(...checkTwice(spec, abr));
  } else errors.push(...checkCodecs(spec, spec, { profile: null, at: '' }));
  if (spec.notificationUrl !== null && hasHiddenPart(spec.notificationUrl))
    errors.push({ path: 'notification_url', message: HIDDEN_PART });
  if (spec.hlsWindowSeconds < 3 * spec.hlsSegmentSeconds)
    errors.push({ path: 'hls_window_seconds', message: 'at least three times hls_segment_seconds (RFC 8216 §6.2.2)' });
  if (spec.gopSeconds > spec.hlsSegmentSeconds)
    errors.push({ path: 'gop_seconds', message: 'at most hls_segment_seconds: a segment begins with a keyframe' });
  return errors;
}

function checkInput(input: ChannelInput, at: string): FieldError[] {
  const { inputType, inputUrl, inputMulticastIp, inputNetwork, inputFile } = input;
  const errors: FieldError[] = [];
  const field = (name: string, message: string) => errors.push({ path: at + name, message });
  if (inputNetwork !== null && !INTERFACE.test(inputNetwork)) field('input_network', 'an interface name or an address');
  if (inputMulticastIp !== null && !isGroup(inputMulticastIp))
    field('input_multicast_ip', 'a multicast group and port such as 239.1.1.1:5000');
  if (inputType === 'udp' || inputType === 'rtp') {
    if (inputMulticastIp === null && inputUrl === null)
      field('input_multicast_ip', `needed for ${inputType}, or an input_url such as ${inputType}://0.0.0.0:5000`);
  } else if (inputType === 'file') {
    if (inputFile === null || inputFile === '')
      field('input_file', 'a path under FILE_ROOTS, or upload:ID of something that was uploaded');
  } else if (inputType !== 'test' && inputUrl === null) field('input_url', `needed for ${inputType}`);
  if (inputUrl !== null && inputType !== 'file' && inputType !== 'test') {
    const problem = urlProblem(inputUrl, INPUT_SCHEMES[inputType] ?? []);
    if (problem) field('input_url', problem);
    else if (inputType === 'rtmp' && isListening(input) && rtmpParts(parseLiveUrl(inputUrl)).key.split('?')[0] === '')
      field('input_url', 'rtmp://0.0.0.0:1935/live/KEY: who publishes must know the key');
  }
  if (input.inputListen && inputType !== 'rtmp' && inputType !== 'srt')
    field('input_listen', 'only rtmp and srt can wait for a publisher');
  return errors;
}

/** Whether an input waits to be called: by its field, or by the address as FFmpeg writes it. */
export function isListening({ inputType, inputListen, inputUrl }: ChannelInput): boolean {
  if (inputListen) return true;
  const query = inputUrl === null ? null : URL.parse(inputUrl)?.searchParams;
  if (inputType === 'srt') return query?.get('mode') === 'listener';
  return inputType === 'rtmp' && query?.get('listen') === '1';
}

function checkOutput(output: ChannelOutput, at: string): FieldError[] {
  const { outputType, outputUrl, outputMulticastIp, outputNetwork } = output;
  const errors: FieldError[] = [];
  const field = (name: string, message: string) => errors.push({ path: at + name, message });
  if (outputNetwork !== null && !INTERFACE.test(outputNetwork))
    field('output_network', 'an interface name or an address');
  if (outputMulticastIp !== null && !isGroup(outputMulticastIp))
    field('output_multicast_ip', 'a multicast group and port such as 239.1.1.1:5000');
  if (outputType === 'udp' && outputMulticastIp === null && outputUrl === null)
    field('output_multicast_ip', 'needed for udp, or an output_url such as udp://203.0.113.5:5000');
  if ((outputType === 'rtmp' || outputType === 'srt') && outputUrl === null)
    field('output_url', `needed for ${outputType}`);
  if (outputUrl !== null && outputType !== 'file' && outputType !== 'hls') {
    const problem = urlProblem(outputUrl, OUTPUT_SCHEMES[outputType] ?? []);
    if (problem) field('output_url', problem);
  }
  if (outputType === 'file' && outputUrl !== null && (!FILE_ENDING.test(outputUrl) || /[\0%]/.test(outputUrl)))
    field('output_url', 'a path under FILE_ROOTS that ends in .ts, .mp4, .mkv or .flv; left out, managed storage');
  return errors;
}

function isGroup(text: string): boolean {
  const group = parseGroup(text);
  return group !== null && isMulticast(group.host);
}

function urlProblem(url: string, schemes: readonly string[]): string | null {
  const allowed = schemes.map((scheme) => `${scheme}//`).join(' or ');
  const parsed = readLiveUrl(url);
  if (!parsed || parsed.hostname === '' || !schemes.includes(parsed.protocol))
    return `an address that begins with ${allowed}`;
  if (hasHiddenPart(url)) return HIDDEN_PART;
  return ODD.test(url.trim()) ? 'an address without blanks, quotes, braces or bars' : null;
}

function checkCodecs(
  spec: ChannelSpec,
  { outputType }: ChannelOutput,
  { profile, at }: { readonly profile: Pick<AbrProfile, 'videoCodec' | 'audioCodec'> | null; readonly at: string },
): FieldError[] {
  const video = liveVideoCodec(profile?.videoCodec ?? spec.videoCodec);
  const audio = liveAudioCodec(profile?.audioCodec ?? spec.audioCodec);
  const errors: FieldError[] = [];
  if (video === 'none' && audio === 'none')
    errors.push({ path: `${at}video_codec`, message: 'picture and sound cannot both be none' });
  if (outputType === 'rtmp' && video === 'hevc')
    errors.push({ path: `${at}video_codec`, message: 'h264 or copy: RTMP carries no hevc' });
  return errors;
}

/** Two profiles of one channel may not send to one place. */
function checkTwice(spec: ChannelSpec, abr: readonly (NewAbrProfile | AbrProfile)[]): FieldError[] {
  const seen = new Set<string>();
  return abr.flatMap((profile, i) => {
    const { outputType, outputUrl, outputMulticastIp } = profileOutput(spec, { ...profile, id: 0 });
    const place = outputType === 'udp' ? (outputMulticastIp ?? outputUrl) : outputUrl;
    if (outputType === 'hls' || place === null) return [];
    const key = `${outputType} ${place}`;
    const isTaken = seen.has(key);
    seen.add(key);
    const name = outputType === 'udp' && outputMulticastIp !== null ? 'output_multicast_ip' : 'output_url';
    return isTaken
      ? [{ path: `abr.${i}.${name}`, message: 'another profile of this channel sends there already' }]
      : [];
  });
}
