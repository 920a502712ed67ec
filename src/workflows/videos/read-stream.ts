// A video as players get it: one stream out of all its jobs, HLS and DASH over the same segments, MPEG-TS and encryption on the way out. Called by the stream routes.
import { listVideoOutputs } from '#database/videos.ts';
import { isFinished } from '#domain/job.ts';
import type { AudioRendition, VideoRendition } from '#domain/plan.ts';
import type { Video } from '#domain/video.ts';
import { bitrates, type Package, type PackagedTrack } from '#media/package.ts';
import { dashManifest } from '#media/playlist/dash.ts';
import { masterPlaylist, mediaPlaylist, type PlaylistView, textPlaylist } from '#media/playlist/hls.ts';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf } from '#workflows/read-bytes.ts';
import { findFile, findSegment, type ReadOutput, readOutput, type ServedFile, text } from '#workflows/read-package.ts';
import { encryptFile } from '#workflows/videos/encrypt-file.ts';
import { makeCover, makePoster } from '#workflows/videos/make-poster.ts';
import { shiftTexts, transmuxFile } from '#workflows/videos/transmux-file.ts';
import { asTransport, inFolder, transportTrack } from '#workflows/videos/transport-package.ts';

/** A track with the package it belongs to: each job has a grid of its own. */
export type StreamTrack<T = VideoRendition | AudioRendition> = PackagedTrack<T> & { readonly whole: Package };

export type Stream = {
  readonly video: Video;
  /** Pictures, highest first. */
  readonly pictures: readonly StreamTrack<VideoRendition>[];
  readonly sounds: readonly StreamTrack<AudioRendition>[];
  /** Renditions that are being made and of which nothing exists yet. */
  readonly planned: readonly VideoRendition[];
  readonly segments: number;
  /** A player may begin. */
  readonly playable: boolean;
  /** Nothing will come any more unless somebody asks for it. */
  readonly settled: boolean;
  /** What lies under a name: `master.m3u8`, `ts/720p/segment_00000.ts`, `poster.jpg`; null where nothing does. */
  find(name: string, view: StreamView): ServedFile | null;
};

/** @param query behind every address in playlists: `?token=…`, or nothing */
export type StreamView = { readonly query: string };

const PLAYLIST = 'application/vnd.apple.mpegurl';
const MANIFEST = 'application/dash+xml';

/** A video's stream as it is now; null while none of its jobs is planned. */
export async function readStream(platform: Platform, video: Video): Promise<Stream | null> {
  const read = await Promise.all(listVideoOutputs(video).map((output) => readOutput(platform, output)));
  const outputs = read.filter((one) => one?.adaptive).filter((one) => one !== null);
  const [main] = outputs;
  if (!main?.adaptive) return null;
  const { whole, timeline } = main.adaptive;
  const pictures = mergePictures(outputs);
  const sounds = whole.audio.map((track) => ({ ...track, whole }));
  const planned = outputs.flatMap(plannedOf).filter(({ name }) => !pictures.some(({ folder }) => folder === name));
  const merged: Package = { ...whole, video: pictures };
  const settled = video.jobs.every(({ status }) => isFinished(status));
  const stream: Stream = {
    video,
    pictures,
    sounds,
    planned,
    segments: timeline.boundaries.length - 1,
    playable: whole.playable,
    settled,
    find: (name, view) => findIn(platform, { main, merged, stream }, { name, view }),
  };
  return stream;
}

/** Renditions of all jobs by name; one that an earlier job has is not taken twice. */
function mergePictures(outputs: readonly ReadOutput[]): StreamTrack<VideoRendition>[] {
  const tracks = new Map<string, StreamTrack<VideoRendition>>();
  for (const { adaptive } of outputs) {
    if (!adaptive) continue;
    for (const track of adaptive.whole.video)
      if (!tracks.has(track.folder)) tracks.set(track.folder, { ...growing(track), whole: adaptive.whole });
  }
  return [...tracks.values()].sort(
    (a, b) => b.rendition.width * b.rendition.height - a.rendition.width * a.rendition.height,
  );
}

/**
 * While a playlist grows, nothing in it changes (RFC 8216 §6.2.1): first light stays in its place until the list is whole.
 */
function growing<T>(track: PackagedTrack<T>): PackagedTrack<T> {
  if (track.complete || track.retired.length === 0) return track;
  const segments = track.segments.map((one) => track.retired.find(({ index }) => index === one.index) ?? one);
  return { ...track, segments, retired: track.segments.filter((one) => !segments.includes(one)) };
}

function plannedOf({ job, plan, outputPlan }: ReadOutput): VideoRendition[] {
  if (job.status !== 'processing' && job.status !== 'queued') return [];
  return plan.video.filter(({ id }) => outputPlan.video.includes(id));
}

type Found = { readonly main: ReadOutput; readonly merged: Package; readonly stream: Stream };
type Wish = { readonly name: string; readonly view: StreamView };

function findIn(platform: Platform, found: Found, wish: Wish): ServedFile | null {
  const { main, merged, stream } = found;
  const { name, view } = wish;
  const timeline = main.adaptive?.timeline;
  if (!timeline) return null;
  const { video } = stream;
  const hasKey = video.contentKey !== null;
  if (name === 'master.m3u8' || name === 'ts/master.m3u8' || name === 'ts.m3u8') {
    // Below ts/, names lead to ts/ by themselves; the master beside it names the folder.
    const shown = name === 'ts.m3u8' ? inFolder(merged, 'ts/') : merged;
    const ts = name !== 'master.m3u8';
    const list = masterPlaylist(ts ? asTransport(shown) : shown, timeline, {
      ...view,
      planned: (ts ? [] : announced(stream)).slice(),
    });
    return text(list, PLAYLIST, stream.settled);
  }
  if (name === 'manifest.mpd') {
    // Encrypted segments are HLS's own; a manifest of type static needs all of it.
    const fits = !hasKey && stream.playable && merged.complete && merged.video.every((track) => track.complete);
    return fits ? text(dashManifest(merged, timeline, view.query), MANIFEST, true) : null;
  }
  if (name === 'key') return video.contentKey === null ? null : keyFile(video.contentKey);
  const picture = findPicture(platform, found, wish);
  if (picture) return picture;
  const ts = name.startsWith('ts/');
  const [folder = '', file, ...rest] = (ts ? name.slice(3) : name).split('/');
  if (file === undefined || rest.length > 0) return null;
  const track = [...stream.pictures, ...stream.sounds].find((one) => one.folder === folder);
  if (track) return findInTrack(platform, { track, file, ts }, { video, view });
  return findTexts(platform, { merged, folder, file }, { ts, view });
}

/** What a player that comes now must know of although it does not exist: it asks for the master only once. Where the whole film plays already, nothing. */
function announced({ pictures, planned }: Stream): readonly VideoRendition[] {
  return pictures.some((track) => track.complete) ? [] : planned;
}

function findInTrack(
  platform: Platform,
  { track, file, ts }: { readonly track: StreamTrack; readonly file: string; readonly ts: boolean },
  { video, view }: { readonly video: Video; readonly view: StreamView },
): ServedFile | null {
  if (file === 'playlist.m3u8') {
    const keyUri = video.contentKey === null ? null : `${ts ? '../../key' : '../key'}${view.query}`;
    const options: PlaylistView = { ...view, keyUri, fromStart: true };
    return text(mediaPlaylist(track.whole, ts ? transportTrack(track) : track, options), PLAYLIST, track.complete);
  }
  const segment = findSegment(platform, track, ts ? file.replace(/\.ts$/, '.m4s') : file);
  if (!segment || segment.kind === 'text' || (ts && !file.endsWith('.ts'))) return null;
  const place = [...track.segments, ...track.retired].find(({ name }) => name === segment.name);
  const init = place?.init && ts ? findSegment(platform, track, place.init.name) : null;
  const sent = ts && init && init.kind !== 'text' ? transmuxFile(platform, { init, segment, name: file }) : segment;
  // Init segments go as they are.
  return video.contentKey === null || !place
    ? sent
    : encryptFile(platform, sent, { key: video.contentKey, sequence: place.index });
}

function findTexts(
  platform: Platform,
  { merged, folder, file }: { readonly merged: Package; readonly folder: string; readonly file: string },
  { ts, view }: { readonly ts: boolean; readonly view: StreamView },
): ServedFile | null {
  const words = merged.texts.find((one) => one.folder === folder);
  if (!words) return null;
  if (file === 'playlist.m3u8') return text(textPlaylist(merged, view), PLAYLIST, true);
  if (file !== 'subtitles.vtt') return null;
  const { key, size } = words.file;
  const stored = { kind: 'object', key, size, mediaType: 'text/vtt', name: file } as const;
  return ts ? shiftTexts(platform, stored) : stored;
}

/** Poster and storyboard. A poster of another time, or one that is asked for before it was made, is taken out of a segment; of sound it is the cover. */
function findPicture(platform: Platform, { main, stream }: Found, { name, view }: Wish): ServedFile | null {
  const stored = findFile(main.files, name);
  if (name === 'poster.jpg' && (stream.video.posterTime !== null || !stored))
    return makePoster(platform, stream) ?? makeCover(platform, stream.video, main.job);
  if (stored?.kind !== 'object' || name !== 'storyboard.vtt' || view.query === '') return stored;
  const make = async () =>
    Buffer.from((await bytesOf(platform, stored)).toString('utf8').replaceAll('.jpg#', `.jpg${view.query}#`));
  return { ...stored, kind: 'made', key: `${stored.key}${view.query}`, size: null, make };
}

const keyFile = (key: string): ServedFile => {
  const bytes = Buffer.from(key, 'base64');
  const make = async () => bytes;
  return {
    kind: 'made',
    key: `key ${key}`,
    size: bytes.length,
    mediaType: 'application/octet-stream',
    name: 'key',
    make,
  };
};

/** The qualities of a stream, for the list of them. */
export function listQualities({ pictures, planned, segments }: Stream) {
  const made = pictures.map((track) => {
    const { peak, average } = bitrates(track);
    const { name, width, height } = track.rendition;
    return {
      quality: name,
      width,
      height,
      bandwidth: peak,
      average_bandwidth: average,
      codecs: track.codecs,
      complete: track.complete,
      segments_ready: track.segments.length,
      segments_total: Math.max(track.segments.length, segments),
    };
  });
  const coming = planned.map(({ name, width, height }) => ({
    ...{ quality: name, width, height, bandwidth: 0, average_bandwidth: 0, codecs: '' },
    complete: false,
    segments_ready: 0,
    segments_total: segments,
  }));
  return [...made, ...coming];
}
