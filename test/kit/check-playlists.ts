// A strict reader of HLS playlists (RFC 8216): every breach as a sentence. Used by tests of streams and by the videos' corpus run.

type Attributes = ReadonlyMap<string, string>;
export type Variant = { readonly uri: string; readonly attributes: Attributes };
export type Master = {
  readonly problems: string[];
  readonly variants: readonly Variant[];
  readonly media: readonly Attributes[];
};
export type Segment = {
  readonly uri: string;
  /** seconds */
  readonly duration: number;
  readonly map: string | null;
  readonly key: Attributes | null;
};
export type Media = {
  readonly problems: string[];
  readonly segments: readonly Segment[];
  readonly type: string | null;
  readonly ended: boolean;
  readonly targetDuration: number;
};

const MASTER_TAGS = [
  'EXT-X-MEDIA',
  'EXT-X-STREAM-INF',
  'EXT-X-I-FRAME-STREAM-INF',
  'EXT-X-SESSION-DATA',
  'EXT-X-SESSION-KEY',
];
const MEDIA_TAGS = [
  ...['EXTINF', 'EXT-X-BYTERANGE', 'EXT-X-DISCONTINUITY', 'EXT-X-KEY', 'EXT-X-MAP', 'EXT-X-PROGRAM-DATE-TIME'],
  ...[
    'EXT-X-TARGETDURATION',
    'EXT-X-MEDIA-SEQUENCE',
    'EXT-X-DISCONTINUITY-SEQUENCE',
    'EXT-X-ENDLIST',
    'EXT-X-PLAYLIST-TYPE',
  ],
];
const BOTH = ['EXTM3U', 'EXT-X-VERSION', 'EXT-X-INDEPENDENT-SEGMENTS', 'EXT-X-START'];
const ONCE = [
  'EXTM3U',
  'EXT-X-VERSION',
  'EXT-X-TARGETDURATION',
  'EXT-X-MEDIA-SEQUENCE',
  'EXT-X-PLAYLIST-TYPE',
  'EXT-X-ENDLIST',
];

type Line = { readonly tag: string | null; readonly value: string };

/** §4.1: lines are URIs, tags, comments or blank; UTF-8 without a byte order mark. */
function readLines(text: string, allowed: readonly string[], problems: string[]): Line[] {
  if (text.startsWith('\ufeff')) problems.push('begins with a byte order mark (§4.1)');
  if (!/^#EXTM3U(\r?\n|$)/.test(text)) problems.push('the first line is not #EXTM3U (§4.3.1.1)');
  const counts = new Map<string, number>();
  const lines: Line[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue;
    if (line !== line.trim()) problems.push(`white space around ${JSON.stringify(line)} (§4.1)`);
    if (!line.startsWith('#')) lines.push({ tag: null, value: line });
    else if (line.startsWith('#EXT')) {
      const colon = line.indexOf(':');
      const tag = colon < 0 ? line.slice(1) : line.slice(1, colon);
      if (!allowed.includes(tag)) problems.push(`${tag} does not belong here (§4.3)`);
      counts.set(tag, (counts.get(tag) ?? 0) + 1);
      lines.push({ tag, value: colon < 0 ? '' : line.slice(colon + 1) });
    }
  }
  for (const tag of ONCE) if ((counts.get(tag) ?? 0) > 1) problems.push(`${tag} stands there more than once`);
  return lines;
}

/** §4.2: NAME=value with commas between, no name twice, no blanks outside of quotes. */
function readAttributes(text: string, problems: string[]): Attributes {
  const found = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const match = /^([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,(?=.)|$)/.exec(rest);
    if (!match) {
      problems.push(`attribute list broken at ${JSON.stringify(rest.slice(0, 60))} (§4.2)`);
      break;
    }
    if (found.has(match[1] ?? '')) problems.push(`${match[1]} twice in one tag (§4.2)`);
    found.set(match[1] ?? '', match[2] ?? '');
    rest = rest.slice(match[0].length);
  }
  return found;
}

const QUOTED = new Set([
  'URI',
  'CODECS',
  'GROUP-ID',
  'NAME',
  'LANGUAGE',
  'AUDIO',
  'SUBTITLES',
  'VIDEO',
  'CHANNELS',
  'CHARACTERISTICS',
]);

function checkQuotes(attributes: Attributes, problems: string[]): void {
  for (const [name, value] of attributes) {
    if (QUOTED.has(name) !== value.startsWith('"')) problems.push(`${name}=${value}: quotes are wrong (§4.2)`);
  }
}

export const unquote = (value: string | undefined): string => value?.replace(/^"|"$/g, '') ?? '';

export function readMaster(text: string): Master {
  const problems: string[] = [];
  const lines = readLines(text, [...BOTH, ...MASTER_TAGS], problems);
  const variants: Variant[] = [];
  const media: Attributes[] = [];
  let open: Attributes | null = null;
  for (const { tag, value } of lines) {
    if (open && tag !== null) problems.push('EXT-X-STREAM-INF is not followed by its URI (§4.3.4.2)');
    if (tag === null) {
      if (open) variants.push({ uri: value, attributes: open });
      else problems.push(`a URI without EXT-X-STREAM-INF: ${value}`);
      open = null;
    } else if (tag === 'EXT-X-STREAM-INF') open = readAttributes(value, problems);
    else if (tag === 'EXT-X-MEDIA') media.push(readAttributes(value, problems));
  }
  for (const attributes of media) checkRendition(attributes, problems);
  const names = media.map((one) => `${one.get('TYPE')} ${one.get('GROUP-ID')} ${one.get('NAME')}`);
  if (new Set(names).size < names.length) problems.push('two renditions of a group have one NAME (§4.3.4.1.1)');
  if (variants.length === 0) problems.push('no variant stream');
  for (const { attributes } of variants) checkVariant(attributes, media, problems);
  return { problems, variants, media };
}

function checkRendition(attributes: Attributes, problems: string[]): void {
  checkQuotes(attributes, problems);
  for (const name of ['TYPE', 'GROUP-ID', 'NAME'])
    if (!attributes.has(name)) problems.push(`EXT-X-MEDIA lacks ${name}`);
  for (const name of ['DEFAULT', 'AUTOSELECT', 'FORCED'])
    if (attributes.has(name) && !['YES', 'NO'].includes(attributes.get(name) ?? ''))
      problems.push(`${name} is YES or NO`);
  if (attributes.get('DEFAULT') === 'YES' && attributes.get('AUTOSELECT') === 'NO')
    problems.push('DEFAULT=YES with AUTOSELECT=NO (§4.3.4.1)');
  if (attributes.has('FORCED') && attributes.get('TYPE') !== 'SUBTITLES') problems.push('FORCED is for subtitles');
  if (attributes.get('TYPE') === 'SUBTITLES' && !attributes.has('URI')) problems.push('subtitles need a URI');
}

function checkVariant(attributes: Attributes, media: readonly Attributes[], problems: string[]): void {
  checkQuotes(attributes, problems);
  for (const name of ['BANDWIDTH', 'AVERAGE-BANDWIDTH']) {
    if (name === 'BANDWIDTH' || attributes.has(name))
      if (!/^[1-9]\d*$/.test(attributes.get(name) ?? '')) problems.push(`${name}=${attributes.get(name)} is no number`);
  }
  if (Number(attributes.get('AVERAGE-BANDWIDTH') ?? 0) > Number(attributes.get('BANDWIDTH')))
    problems.push('the average is above the peak');
  if (!/^"[\w.]+(,[\w.]+)*"$/.test(attributes.get('CODECS') ?? '')) problems.push(`CODECS=${attributes.get('CODECS')}`);
  if (attributes.has('RESOLUTION') && !/^\d+x\d+$/.test(attributes.get('RESOLUTION') ?? ''))
    problems.push('RESOLUTION');
  if (attributes.has('FRAME-RATE') && !/^\d+(\.\d{1,3})?$/.test(attributes.get('FRAME-RATE') ?? ''))
    problems.push('FRAME-RATE has at most three decimals (§4.3.4.2)');
  for (const type of ['AUDIO', 'SUBTITLES']) {
    const group = attributes.get(type);
    if (group && !media.some((one) => one.get('TYPE') === type && one.get('GROUP-ID') === group))
      problems.push(`${type} group ${group} is nowhere`);
  }
}

export function readMedia(text: string): Media {
  const problems: string[] = [];
  const lines = readLines(text, [...BOTH, ...MEDIA_TAGS], problems);
  const firstOf = (tag: string) => lines.find((line) => line.tag === tag)?.value;
  const targetDuration = Number(firstOf('EXT-X-TARGETDURATION') ?? Number.NaN);
  if (!Number.isInteger(targetDuration) || targetDuration < 1)
    problems.push('EXT-X-TARGETDURATION is required (§4.3.3.1)');
  const version = Number(firstOf('EXT-X-VERSION') ?? 1);
  const type = firstOf('EXT-X-PLAYLIST-TYPE') ?? null;
  if (type !== null && type !== 'EVENT' && type !== 'VOD') problems.push(`EXT-X-PLAYLIST-TYPE is ${type}`);
  const segments: Segment[] = [];
  let [duration, map, key]: [number | null, string | null, Attributes | null] = [null, null, null];
  let ended = false;
  for (const { tag, value } of lines) {
    if (ended && tag === null) problems.push('a segment after EXT-X-ENDLIST');
    if (tag === 'EXT-X-ENDLIST') ended = true;
    if (tag === 'EXT-X-MEDIA-SEQUENCE' && segments.length > 0)
      problems.push('EXT-X-MEDIA-SEQUENCE after a segment (§4.3.3.2)');
    if (tag === 'EXTINF') {
      const length = /^(\d+(?:\.\d+)?),/.exec(value)?.[1];
      if (length === undefined) problems.push(`EXTINF:${value}`);
      if (value.includes('.') && version < 3) problems.push('fractions of seconds need version 3 (§7)');
      duration = Number(length ?? Number.NaN);
      if (Math.round(duration) > targetDuration)
        problems.push(`EXTINF ${duration} is above the target duration (§4.3.3.1)`);
    } else if (tag === 'EXT-X-MAP') {
      if (version < 6) problems.push('EXT-X-MAP needs version 6 (§7)');
      const attributes = readAttributes(value, problems);
      checkQuotes(attributes, problems);
      // §4.3.2.5: an encrypted one needs an IV of its own.
      if (key && !key.has('IV')) problems.push('EXT-X-MAP under an AES-128 key without IV (§4.3.2.5)');
      map = unquote(attributes.get('URI'));
    } else if (tag === 'EXT-X-KEY') {
      const attributes = readAttributes(value, problems);
      checkQuotes(attributes, problems);
      const method = attributes.get('METHOD');
      if (method === 'NONE' && attributes.size > 1) problems.push('METHOD=NONE takes no other attribute (§4.3.2.4)');
      if (method !== 'NONE' && !attributes.has('URI')) problems.push('EXT-X-KEY needs a URI (§4.3.2.4)');
      key = method === 'NONE' ? null : attributes;
    } else if (tag === null) {
      if (duration === null) problems.push(`${value} has no EXTINF (§4.3.2.1)`);
      segments.push({ uri: value, duration: duration ?? 0, map, key });
      duration = null;
    }
  }
  if (type === 'VOD' && !ended) problems.push('VOD without EXT-X-ENDLIST');
  return { problems, segments, type, ended, targetDuration };
}

/** §6.2.1: what a playlist may not do between two looks at it. */
export function checkGrowth(before: string, after: string): string[] {
  const [first, second] = [readMedia(before), readMedia(after)];
  const problems: string[] = [];
  if (first.targetDuration !== second.targetDuration) problems.push('the target duration changed (§4.3.3.1)');
  if (first.ended && before !== after) problems.push('it changed after EXT-X-ENDLIST');
  // The whole one lists the real segments where a quick one stood; a growing one only grows.
  if (!second.ended)
    for (const [i, { uri }] of first.segments.entries())
      if (second.segments[i]?.uri !== uri) problems.push(`segment ${i} was ${uri} and is ${second.segments[i]?.uri}`);
  if (second.segments.length < first.segments.length) problems.push('it became shorter');
  return problems;
}

/** Reads a stream from its master on: every playlist, every segment's size against what the master says. */
export async function checkStream(url: string): Promise<string[]> {
  const problems: string[] = [];
  const get = async (address: string, method = 'GET') => {
    const answer = await fetch(address, { method });
    if (!answer.ok) problems.push(`${answer.status} for ${address}`);
    return answer;
  };
  const master = readMaster(await (await get(url)).text());
  problems.push(...master.problems.map((text) => `master: ${text}`));
  const rates = async (uri: string): Promise<{ peak: number; segments: readonly Segment[] }> => {
    const address = new URL(uri, url).href;
    const media = readMedia(await (await get(address)).text());
    problems.push(...media.problems.map((text) => `${uri}: ${text}`));
    let peak = 0;
    for (const segment of media.segments) {
      if (/\.vtt/.test(segment.uri)) continue;
      const answer = await get(new URL(segment.uri, address).href, 'HEAD');
      peak = Math.max(peak, (Number(answer.headers.get('content-length')) * 8) / segment.duration);
    }
    for (const map of new Set(media.segments.map((segment) => segment.map)))
      if (map) await get(new URL(map, address).href, 'HEAD');
    return { peak, segments: media.segments };
  };
  const sounds = new Map<string, number>();
  for (const one of master.media) {
    const { peak } = await rates(unquote(one.get('URI')));
    const group = one.get('GROUP-ID') ?? '';
    if (one.get('TYPE') === 'AUDIO') sounds.set(group, Math.max(sounds.get(group) ?? 0, peak));
  }
  const grids: string[] = [];
  for (const { uri, attributes } of master.variants) {
    const { peak, segments } = await rates(uri);
    const total = peak + (sounds.get(attributes.get('AUDIO') ?? '') ?? 0);
    if (total > Number(attributes.get('BANDWIDTH')) * 1.001 + 1)
      problems.push(
        `${uri}: ${Math.ceil(total)} bits/s at the peak, BANDWIDTH=${attributes.get('BANDWIDTH')} (§4.3.4.2)`,
      );
    grids.push(segments.map(({ duration }) => duration.toFixed(3)).join(' '));
  }
  if (new Set(grids).size > 1) problems.push(`the renditions are cut differently: ${grids.join(' | ')}`);
  return problems;
}
