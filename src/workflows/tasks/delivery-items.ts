// What an adaptive output consists of at its destination: names, types, cache headers, where the bytes come from. Pure; used by deliver.ts and upload.ts.
import { CONTAINER_FACTS } from '#domain/codec.ts';
import type { OutputPlan, Plan, Timeline } from '#domain/plan.ts';
import type { StoredFile, Task } from '#domain/task.ts';
import { folderOf, type Package, type PackagedTrack, segmentName } from '#media/package.ts';
import { dashManifest } from '#media/playlist/dash.ts';
import { masterPlaylist, mediaPlaylist, textPlaylist } from '#media/playlist/hls.ts';
import type { WriteOptions } from '#storage/store.ts';

const PLAYLIST_TYPE = CONTAINER_FACTS.hls.mediaType;
const MANIFEST_TYPE = CONTAINER_FACTS.dash.mediaType;
const TRANSPORT_TYPE = 'video/mp2t';
const FRAGMENT_TYPE = 'video/iso.segment';
/** What a playlist names never changes: names that an earlier output had get an edition behind them. Playlists are read anew. */
const FOREVER = 'public, max-age=31536000, immutable';
const FRESH = 'no-cache';

/** Something to put under a name: an object of managed storage, or a text of ours. */
export type Item = { readonly name: string; readonly options: WriteOptions } & (
  | {
      readonly key: string;
      /** Of what is stored under the key. */
      readonly size: number;
      /** Storage key of the sound that is put into it. */
      readonly sound?: string;
    }
  | { readonly text: string }
);
export type StoredItem = Extract<Item, { readonly key: string }>;

/** The one that players open. */
export const entryName = ({ container }: Pick<OutputPlan, 'container'>): string =>
  container === 'dash' ? 'manifest.mpd' : 'master.m3u8';

/** A name that only a ladder of ours has in its folder. */
export const OUR_NAMES = /^(\d{1,4}p|audio(-\d+)?)\/(playlist\.m3u8|segment_\d{5}\.(ts|m4s)|init(-[0-9a-f]{8})?\.mp4)$/;

/** Segments and their inits, texts, and whatever files stand beside them. */
export const mediaItems = (output: OutputPlan, whole: Package, files: readonly StoredFile[]): StoredItem[] => {
  const sound = new Map(output.soundInside ? whole.audio[0]?.segments.map(({ index, key }) => [index, key]) : []);
  return [
    ...deliveredTracks(output, whole).flatMap((track) => [
      ...initItems(track),
      ...track.segments.map((segment) => withSound(segmentItem(track)(segment), sound.get(segment.index))),
    ]),
    ...files.map(fileItem),
    ...whole.texts.map(({ folder, file }) => fileItem({ ...file, name: `${folder}/subtitles.vtt` })),
  ];
};

/** Sound that lies inside of the others is no track of its own. */
const deliveredTracks = (output: OutputPlan, { video, audio }: Package): PackagedTrack[] => [
  ...video,
  ...(output.soundInside ? [] : audio),
];

const withSound = (item: StoredItem, sound: string | undefined): StoredItem =>
  sound === undefined ? item : { ...item, sound };

export const fileItem = (file: StoredFile): StoredItem => ({
  name: file.name,
  key: file.key,
  size: file.size,
  options: { contentType: file.mediaType },
});

export function initItems(track: PackagedTrack): StoredItem[] {
  const inits = new Map(track.segments.flatMap(({ init }) => (init ? [[init.hash, init] as const] : [])));
  return [...inits.values()].map(({ name, key, size }) => ({
    name: `${track.folder}/${name}`,
    key,
    size,
    options: { contentType: 'video/mp4', cacheControl: FOREVER },
  }));
}

const segmentItem =
  (track: Pick<PackagedTrack, 'folder' | 'extension'>) =>
  ({ index, key, size }: { readonly index: number; readonly key: string; readonly size: number }): StoredItem => ({
    name: `${track.folder}/${segmentName(track, index)}`,
    key,
    size,
    options: { contentType: track.extension === 'ts' ? TRANSPORT_TYPE : FRAGMENT_TYPE, cacheControl: FOREVER },
  });

/** The segments that one task made of an output's renditions, under the names they have in the whole. */
export function madeItems(plan: Plan, output: OutputPlan, { made, done }: Made): StoredItem[] {
  const sound = output.soundInside ? soundKeys(output, done) : null;
  return (made.result?.parts ?? []).flatMap(({ rendition, segments }) => {
    const folder = folderOf(plan, output, rendition);
    if (folder === null || (sound && output.audio.includes(rendition))) return [];
    const known = [...plan.video, ...plan.audio].find(({ id }) => id === rendition);
    const item = segmentItem({ folder, extension: known?.segmentFormat === 'ts' ? 'ts' : 'm4s' });
    return segments.map((segment) => withSound(item(segment), sound?.get(segment.index)));
  });
}

export type Made = {
  /** Whose segments. */
  readonly made: Pick<Task, 'result'>;
  /** What is done of the job: the sound is among it where it belongs inside. */
  readonly done: readonly Pick<Task, 'result'>[];
};

function soundKeys(output: OutputPlan, done: Made['done']): ReadonlyMap<number, string> {
  const parts = done
    .flatMap(({ result }) => result?.parts ?? [])
    .filter(({ rendition }) => output.audio.includes(rendition));
  return new Map(parts.flatMap(({ segments }) => segments.map(({ index, key }) => [index, key])));
}

/** The playlists of single tracks, as far as they are; none for DASH. */
export const listItems = (output: OutputPlan, whole: Package): Item[] =>
  output.container === 'dash'
    ? []
    : [
        ...deliveredTracks(output, whole).map((track) =>
          playlist(`${track.folder}/playlist.m3u8`, mediaPlaylist(whole, track, { query: editionOf(output) })),
        ),
        ...whole.texts.map(({ folder }) =>
          playlist(`${folder}/playlist.m3u8`, textPlaylist(whole, { query: editionOf(output) })),
        ),
      ];

const editionOf = ({ edition }: OutputPlan): string => (edition === undefined ? '' : `?v=${edition}`);

/** Null while there is nothing to play. */
export function entryItem(output: OutputPlan, whole: Package, timeline: Timeline): Item | null {
  const text =
    output.container === 'dash'
      ? dashManifest(whole, timeline, editionOf(output))
      : masterPlaylist(whole, timeline, { soundInside: output.soundInside ?? false });
  if (text === null) return null;
  if (output.container !== 'dash') return playlist(entryName(output), text);
  return { name: entryName(output), text, options: { contentType: MANIFEST_TYPE, cacheControl: FRESH } };
}

const playlist = (name: string, text: string): Item => ({
  name,
  text,
  options: { contentType: PLAYLIST_TYPE, cacheControl: FRESH },
});
