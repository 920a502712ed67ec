// HLS playlists out of facts (RFC 8216): every figure is measured, nothing is guessed. Pure; served by the APIs, delivered by finish.

import type { AudioRendition, Timeline, VideoRendition } from '#domain/plan.ts';
import { plannedCodec } from '#media/codec-string.ts';
import { toNumber } from '#media/grid.ts';
import { languageTag } from '#media/language-tag.ts';
import { bitrates, type Package, type PackagedText, type PackagedTrack } from '#media/package.ts';

const AUDIO_GROUP = 'audio';
const TEXT_GROUP = 'subtitles';
/** A capped encode may reach so many times its cap within one segment (its buffer holds 1.5 s). */
const PLANNED_PEAK = 1.25;
/** fMP4 with EXT-X-MAP needs 6; 7 is what players of CMAF expect (§7). */
const VERSION = 7;

/** A quoted-string may hold neither quotes nor line ends (§4.2). */
const quoted = (text: string): string => `"${text.replace(/[\s"]+/g, ' ').trim()}"`;

type Attributes = Readonly<Record<string, string | number | undefined>>;

function attributeList(attributes: Attributes): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** How playlists are written for one player. */
export type PlaylistView = {
  /** Put behind every URI: `?token=…`. */
  readonly query?: string;
  /** URI of the key with which every segment is encrypted (AES-128, IV by media sequence), relative to a media playlist. */
  readonly keyUri?: string | null;
  /** Renditions that will come: a player never looks at the master again. Their playlists wait for their first segment. */
  readonly planned?: readonly VideoRendition[];
  /** The sound is no group of its own: it lies in the segments of every rendition. */
  readonly soundInside?: boolean;
  /** Says of a growing playlist that players begin at its beginning, not at its end as with live feeds. */
  readonly fromStart?: boolean;
};

/** The master playlist of what can be played so far; null while that is nothing. */
export function masterPlaylist(output: Package, timeline: Timeline, view: PlaylistView = {}): string | null {
  const { video, audio, texts } = output;
  const { query = '', soundInside = false } = view;
  if (!output.playable) return null;
  const soundOnly = video.length === 0;
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, '#EXT-X-INDEPENDENT-SEGMENTS', ''];
  const sounds = uniqueNames(audio.map(({ rendition }) => rendition.name));
  const writings = uniqueNames(texts.map(({ track }) => track.name));
  if (!soundOnly && !soundInside)
    lines.push(...audio.map((track, i) => audioMedia(track, { i, query, name: sounds[i] ?? '' })));
  lines.push(...texts.map((text, i) => textMedia(text, { i, query, name: writings[i] ?? '' })));
  const sound = peakSound(audio);
  const variants = soundOnly ? audio.slice(0, 1) : video;
  for (const track of variants) {
    const own = bitrates(track);
    const withSound = soundOnly ? { peak: 0, average: 0 } : sound;
    const rendition = track.rendition;
    lines.push(
      `#EXT-X-STREAM-INF:${attributeList({
        BANDWIDTH: own.peak + withSound.peak,
        'AVERAGE-BANDWIDTH': own.average + withSound.average,
        CODECS: quoted(
          [track.codecs, ...(soundOnly ? [] : audio.slice(0, 1).map((one) => one.codecs))].filter(Boolean).join(','),
        ),
        RESOLUTION: 'width' in rendition ? `${rendition.width}x${rendition.height}` : undefined,
        'FRAME-RATE': 'width' in rendition ? toNumber(timeline.fps).toFixed(3) : undefined,
        AUDIO: !soundOnly && !soundInside && audio.length > 0 ? quoted(AUDIO_GROUP) : undefined,
        SUBTITLES: texts.length > 0 ? quoted(TEXT_GROUP) : undefined,
        'CLOSED-CAPTIONS': 'width' in rendition ? 'NONE' : undefined,
      })}`,
      `${track.folder}/playlist.m3u8${query}`,
    );
  }
  for (const rendition of view.planned ?? []) {
    const { average, peak } = { average: rendition.rate.maxBitrate, peak: rendition.rate.maxBitrate * PLANNED_PEAK };
    lines.push(
      `#EXT-X-STREAM-INF:${attributeList({
        BANDWIDTH: Math.ceil(peak) + sound.peak,
        'AVERAGE-BANDWIDTH': average + sound.average,
        CODECS: quoted(
          [plannedCodec(rendition, timeline.fps), ...audio.slice(0, 1).map((one) => one.codecs)].join(','),
        ),
        RESOLUTION: `${rendition.width}x${rendition.height}`,
        'FRAME-RATE': toNumber(timeline.fps).toFixed(3),
        AUDIO: audio.length > 0 ? quoted(AUDIO_GROUP) : undefined,
        SUBTITLES: texts.length > 0 ? quoted(TEXT_GROUP) : undefined,
        'CLOSED-CAPTIONS': 'NONE',
      })}`,
      `${rendition.name}/playlist.m3u8${query}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function peakSound(audio: readonly PackagedTrack[]): { peak: number; average: number } {
  const rates = audio.map(bitrates);
  return {
    peak: Math.max(0, ...rates.map((rate) => rate.peak)),
    average: Math.max(0, ...rates.map((rate) => rate.average)),
  };
}

/** NAME must be unique in its group (§4.3.4.1.1): the second German track is `German 2`. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let n = 2; taken.has(unique); n++) unique = `${name} ${n}`;
    taken.add(unique);
    return unique;
  });
}

type Place = { readonly i: number; readonly query: string; readonly name: string };

function audioMedia(track: PackagedTrack<AudioRendition>, { i, query, name }: Place): string {
  const { channels } = track.rendition;
  const language = languageTag(track.rendition.language);
  return `#EXT-X-MEDIA:${attributeList({
    TYPE: 'AUDIO',
    'GROUP-ID': quoted(AUDIO_GROUP),
    NAME: quoted(name),
    LANGUAGE: language ? quoted(language) : undefined,
    DEFAULT: i === 0 ? 'YES' : 'NO',
    AUTOSELECT: 'YES',
    CHANNELS: quoted(String(channels)),
    URI: quoted(`${track.folder}/playlist.m3u8${query}`),
  })}`;
}

function textMedia({ track, folder }: PackagedText, { i, query, name }: Place): string {
  const language = languageTag(track.language);
  return `#EXT-X-MEDIA:${attributeList({
    TYPE: 'SUBTITLES',
    'GROUP-ID': quoted(TEXT_GROUP),
    NAME: quoted(name),
    LANGUAGE: language ? quoted(language) : undefined,
    DEFAULT: track.isDefault && i === 0 ? 'YES' : 'NO',
    AUTOSELECT: 'YES',
    FORCED: track.isForced ? 'YES' : 'NO',
    URI: quoted(`${folder}/playlist.m3u8${query}`),
  })}`;
}

/** Without an IV, the media sequence number is it (§5.2). */
const keyTag = (uri: string): string => `#EXT-X-KEY:METHOD=AES-128,URI=${quoted(uri)}`;

/** One rendition's playlist: EVENT while it grows, VOD with ENDLIST when whole. */
export function mediaPlaylist(output: Package, track: PackagedTrack, view: PlaylistView = {}): string {
  const { query = '', keyUri = null } = view;
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    // Every EXTINF, rounded to the nearest second, must not exceed it (§4.3.3.1).
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.round(output.longestSegment))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    `#EXT-X-PLAYLIST-TYPE:${track.complete ? 'VOD' : 'EVENT'}`,
    '#EXT-X-INDEPENDENT-SEGMENTS',
  ];
  if (view.fromStart && !track.complete) lines.push('#EXT-X-START:TIME-OFFSET=0,PRECISE=YES');
  if (keyUri && !track.segments[0]?.init) lines.push(keyTag(keyUri));
  let map: string | null = null;
  for (const segment of track.segments) {
    if (segment.init && segment.init.hash !== map) {
      // A key holds for the maps after it too (§4.3.2.4), and an init segment is sent as it is.
      if (keyUri && map !== null) lines.push('#EXT-X-KEY:METHOD=NONE');
      map = segment.init.hash;
      lines.push(`#EXT-X-MAP:URI=${quoted(segment.init.name + query)}`);
      if (keyUri) lines.push(keyTag(keyUri));
    }
    lines.push(`#EXTINF:${(segment.duration / track.timescale).toFixed(6)},`, segment.name + query);
  }
  if (track.complete) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

/** A text track is one segment as long as the film. */
export function textPlaylist(output: Package, { query = '' }: PlaylistView = {}): string {
  return [
    '#EXTM3U',
    `#EXT-X-VERSION:${VERSION}`,
    `#EXT-X-TARGETDURATION:${Math.max(1, Math.ceil(output.duration))}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    `#EXTINF:${output.duration.toFixed(6)},`,
    `subtitles.vtt${query}`,
    '#EXT-X-ENDLIST',
    '',
  ].join('\n');
}
