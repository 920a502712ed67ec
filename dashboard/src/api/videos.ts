// Videos as pages use them.
import { type QueryClient, useQuery } from '@tanstack/react-query';
import { t } from '../text/text.ts';
import { toast, toastError } from '../ui/toasts.tsx';
import { read, request } from './http.ts';
import { leave, useIsStaying } from './leaving.ts';
import type { Video } from './types.ts';

export type VideoFilter = { search: string; status: string; sort: string; page: number };
export const PAGE_SIZE = 48;
const LOOK = 2500;

export const isBusy = ({ status }: Pick<Video, 'status'>): boolean =>
  ['queued', 'processing', 'uploaded'].includes(status);

export function useVideos(filter: VideoFilter) {
  const isStaying = useIsStaying();
  const { data, ...rest } = useQuery({
    queryKey: ['videos', filter],
    queryFn: () => read('GET /videos', {}, { ...filter, page_size: PAGE_SIZE }),
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => (state.data?.videos.some(isBusy) ? LOOK : false),
  });
  const videos = data?.videos.filter(({ hash }) => isStaying(hash)) ?? [];
  return { ...rest, data: data && { ...data, videos, total: data.total - (data.videos.length - videos.length) } };
}

export const useVideo = (id: string) =>
  useQuery({
    queryKey: ['video', id],
    queryFn: () => read('GET /videos/{hash}', { hash: id }),
    refetchInterval: ({ state }) => (state.data && isBusy(state.data) ? LOOK : false),
  });

export const useTranscode = (id: string, isOn: boolean) =>
  useQuery({
    queryKey: ['video', id, 'transcode'],
    queryFn: () => read('GET /transcode/status/{upload_id}', { upload_id: id }),
    refetchInterval: isOn ? 1500 : false,
  });

/** Signed addresses as they were given first: each answer carries new ones, and pictures need not be loaded anew for that. */
const signed = new Map<string, { path: string; until: number }>();
const TRUST_MS = 10 * 60_000;

/** The server may be reached under another name than the one it was asked under. */
export function ownPath(url: string): string {
  const { pathname, search: query } = new URL(url, location.href);
  if (!query.includes('token=')) return pathname + query;
  const known = signed.get(pathname);
  if (known && known.until > Date.now()) return known.path;
  signed.set(pathname, { path: pathname + query, until: Date.now() + TRUST_MS });
  return pathname + query;
}

/** What lies beside the poster, under the same token. */
export const besidePoster = (video: Pick<Video, 'poster_url'>, name: string): string | null =>
  video.poster_url === null ? null : ownPath(video.poster_url).replace(/[^/?]+(?=\?|$)/, name);

const MOST_OF_A_PAGE = 100;
/** Every video that fits, on all pages. */
export async function collectVideos(filter: VideoFilter): Promise<Video[]> {
  const found = new Map<string, Video>();
  for (let page = 1, isMore = true; isMore; page++) {
    const { videos, total } = await read('GET /videos', {}, { ...filter, page, page_size: MOST_OF_A_PAGE });
    for (const video of videos) found.set(video.hash, video);
    isMore = videos.length > 0 && page * MOST_OF_A_PAGE < total;
  }
  return [...found.values()];
}

export const isResumable = ({ status }: Pick<Video, 'status'>): boolean => status === 'stopped' || status === 'failed';
export const askVideo = ({ hash }: Video, act: 'stop' | 'resume') =>
  request(`/videos/${hash}/${act}`, { method: 'PUT' });
export const deleteVideo = ({ hash }: Video) => request(`/videos/${hash}`, { method: 'DELETE', keepalive: true });

export const removeVideo = (client: QueryClient, video: Video): void =>
  leave({
    id: video.hash,
    text: t('video.deleted', { title: video.title }),
    act: () => deleteVideo(video),
    refresh: () => client.invalidateQueries({ queryKey: ['videos'] }),
  });

export async function changeVideo(client: QueryClient, video: Video, act: 'stop' | 'resume'): Promise<void> {
  const key = ['video', video.hash];
  client.setQueryData<Video>(key, { ...video, status: act === 'stop' ? 'stopped' : 'queued', stopped: act === 'stop' });
  try {
    await askVideo(video, act);
    toast(t(`video.did.${act}`));
  } catch (error) {
    toastError(error);
  } finally {
    void client.invalidateQueries({ queryKey: key });
    void client.invalidateQueries({ queryKey: ['videos'] });
  }
}
