// The DASH manifest over the same CMAF segments (ISO/IEC 23009-1). Pure.
import type { AudioRendition, Timeline, VideoRendition } from '#domain/plan.ts';
import { languageTag } from '#media/language-tag.ts';
import { bitrates, type Package, type PackagedText, type PackagedTrack } from '#media/package.ts';

const xmlText = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

/** `PT1H2M3.5S` (ISO 8601) */
function isoDuration(seconds: number): string {
  return `PT${Math.floor(seconds / 3600)}H${Math.floor((seconds % 3600) / 60)}M${(seconds % 60).toFixed(3)}S`;
}

function element(
  name: string,
  attributes: Readonly<Record<string, string | number | null>>,
  children: readonly string[] = [],
): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => ` ${key}="${xmlText(String(value))}"`)
    .join('');
  return children.length > 0 ? `<${name}${written}>${children.join('')}</${name}>` : `<${name}${written}/>`;
}

/** The manifest of a finished output; null while nothing can be played. */
export function dashManifest(output: Package, timeline: Timeline, query = ''): string | null {
  const { video, audio, texts } = output;
  if (!output.playable) return null;
  const sets = [
    ...(video.length > 0 ? [videoSet(video, timeline, query)] : []),
    ...audio.map((track, i) => audioSet(track, { id: i + 1, query })),
    ...texts.map((text, i) => textSet(text, { id: audio.length + i + 1, query })),
  ];
  const manifest = element(
    'MPD',
    {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      profiles: 'urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019',
      type: 'static',
      mediaPresentationDuration: isoDuration(output.duration),
      maxSegmentDuration: isoDuration(output.longestSegment),
      minBufferTime: isoDuration(Math.min(output.longestSegment, 10)),
    },
    [element('Period', { id: '0', start: 'PT0S' }, sets)],
  );
  return `<?xml version="1.0" encoding="utf-8"?>\n${manifest}\n`;
}

function videoSet(tracks: readonly PackagedTrack<VideoRendition>[], { fps }: Timeline, query: string): string {
  const representations = tracks.map((track) =>
    element(
      'Representation',
      {
        id: track.folder,
        bandwidth: bitrates(track).peak,
        codecs: track.codecs,
        width: track.rendition.width,
        height: track.rendition.height,
        frameRate: fps.den === 1 ? fps.num : `${fps.num}/${fps.den}`,
        sar: '1:1',
      },
      [segmentTemplate(track, query)],
    ),
  );
  return element(
    'AdaptationSet',
    { id: 0, contentType: 'video', mimeType: 'video/mp4', segmentAlignment: 'true', startWithSAP: 1 },
    representations,
  );
}

type Place = { readonly id: number /** Behind every URI. */; readonly query: string };

function audioSet(track: PackagedTrack<AudioRendition>, { id, query }: Place): string {
  const { language, channels, sampleRate, isDefault } = track.rendition;
  const set = {
    id,
    contentType: 'audio',
    mimeType: 'audio/mp4',
    lang: languageTag(language),
    segmentAlignment: 'true',
    startWithSAP: 1,
  };
  return element('AdaptationSet', set, [
    element('Role', { schemeIdUri: 'urn:mpeg:dash:role:2011', value: isDefault ? 'main' : 'alternate' }),
    element(
      'Representation',
      { id: track.folder, bandwidth: bitrates(track).peak, codecs: track.codecs, audioSamplingRate: sampleRate },
      [
        element('AudioChannelConfiguration', {
          schemeIdUri: 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011',
          value: channels,
        }),
        segmentTemplate(track, query),
      ],
    ),
  ]);
}

function textSet({ track, folder, file }: PackagedText, { id, query }: Place): string {
  return element(
    'AdaptationSet',
    { id, contentType: 'text', mimeType: 'text/vtt', lang: languageTag(track.language) },
    [
      element('Role', {
        schemeIdUri: 'urn:mpeg:dash:role:2011',
        value: track.isForced ? 'forced-subtitle' : 'subtitle',
      }),
      element('Representation', { id: folder, bandwidth: Math.max(1, file.size) }, [
        `<BaseURL>${xmlText(folder)}/subtitles.vtt${xmlText(query)}</BaseURL>`,
      ]),
    ],
  );
}

/** Explicit times: the grid follows the source's keyframes where the top rendition is copied. */
function segmentTemplate(track: PackagedTrack, query: string): string {
  const template = {
    timescale: track.timescale,
    startNumber: 0,
    initialization: `$RepresentationID$/init.mp4${query}`,
    media: `$RepresentationID$/segment_$Number%05d$.${track.extension}${query}`,
  };
  return element('SegmentTemplate', template, [element('SegmentTimeline', {}, timelineEntries(track))]);
}

/** Equal neighbours are written once with a repeat count (§5.3.9.6). */
function timelineEntries(track: PackagedTrack): string[] {
  const entries: { t: number; d: number; r: number }[] = [];
  for (const { start, duration } of track.segments) {
    const last = entries.at(-1);
    if (last && last.d === duration && last.t + last.d * (last.r + 1) === start) last.r += 1;
    else entries.push({ t: start, d: duration, r: 0 });
  }
  return entries.map(({ t, d, r }) => element('S', { t, d, r: r > 0 ? r : null }));
}
