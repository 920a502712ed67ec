// All videos as cards, what can be done with many of them at once, and where new ones are dropped.
import { useQueryClient } from '@tanstack/react-query';
import { Clapperboard, Play, Square, Trash2 } from 'lucide-react';
import { useCallback } from 'react';
import { blocking } from '../api/http.ts';
import type { Video, VideoPage } from '../api/types.ts';
import {
  askVideo,
  collectVideos,
  deleteVideo,
  isBusy,
  isResumable,
  PAGE_SIZE,
  useVideos,
  type VideoFilter,
} from '../api/videos.ts';
import { setQuery, usePlace } from '../router.tsx';
import { t, tell } from '../text/text.ts';
import { type BulkAct, BulkHead, type BulkKind } from '../ui/bulk-head.tsx';
import { SearchBox } from '../ui/field.tsx';
import { May, useMay } from '../ui/may.tsx';
import { Bones, Empty, PageHead } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { useSelection } from '../ui/selection.ts';
import { VideoCard } from './videos/card.tsx';
import { DropZone } from './videos/drop-zone.tsx';

const STATUSES = ['', 'ready', 'processing', 'queued', 'stopped', 'failed'] as const;
const SORTS = ['-created_at', 'created_at', 'title', '-size', '-duration'] as const;

export default function Videos() {
  const { query } = usePlace();
  const filter = {
    search: query.get('search') ?? '',
    status: query.get('status') ?? '',
    sort: query.get('sort') ?? '-created_at',
    page: Math.max(1, Number(query.get('page') ?? 1) || 1),
  };
  const { data, error, refetch } = useVideos(filter);
  const problem = blocking({ data, error });
  const onSearch = useCallback((text: string) => setQuery({ search: text, page: null }), []);
  const pages = Math.max(1, Math.ceil((data?.total ?? 0) / PAGE_SIZE));
  return (
    <>
      <PageHead title={t('nav.videos')} about={t('videos.about')} />
      <May scope="write">
        <DropZone />
      </May>
      <div className="row between">
        <SearchBox label={t('videos.search')} value={filter.search} onSearch={onSearch} />
        <div className="row">
          <select
            className="select"
            style={{ inlineSize: 'auto' }}
            aria-label={t('videos.filter')}
            value={filter.status}
            onChange={({ target }) => setQuery({ status: target.value, page: null })}
          >
            {STATUSES.map((one) => (
              <option key={one} value={one}>
                {one === '' ? t('videos.every') : tell('status', one)}
              </option>
            ))}
          </select>
          <select
            className="select"
            style={{ inlineSize: 'auto' }}
            aria-label={t('videos.sort')}
            value={filter.sort}
            onChange={({ target }) => setQuery({ sort: target.value, page: null })}
          >
            {SORTS.map((one) => (
              <option key={one} value={one}>
                {t(`videos.sort.${one}`)}
              </option>
            ))}
          </select>
        </div>
      </div>
      {problem ? (
        <Problem error={problem} retry={() => void refetch()} />
      ) : !data ? (
        <Bones rows={6} height={2} />
      ) : (
        <List key={`${filter.search} ${filter.status}`} filter={filter} page={data} />
      )}
      {pages > 1 && (
        <nav className="row" style={{ justifyContent: 'center' }} aria-label={t('pages.label')}>
          <button
            type="button"
            className="button"
            disabled={filter.page <= 1}
            onClick={() => setQuery({ page: String(filter.page - 1) })}
          >
            {t('pages.before')}
          </button>
          <span className="small quiet number">{t('pages.of', { page: filter.page, pages })}</span>
          <button
            type="button"
            className="button"
            disabled={filter.page >= pages}
            onClick={() => setQuery({ page: String(filter.page + 1) })}
          >
            {t('pages.after')}
          </button>
        </nav>
      )}
    </>
  );
}

const acts = (): BulkAct<Video>[] => [
  { label: t('video.resume'), icon: Play, fits: isResumable, act: (video) => askVideo(video, 'resume') },
  { label: t('video.stop'), icon: Square, fits: isBusy, act: (video) => askVideo(video, 'stop') },
  {
    label: t('act.delete'),
    icon: Trash2,
    fits: () => true,
    act: deleteVideo,
    sure: t('bulk.sure.delete'),
  },
];

const idOf = ({ hash }: Video): string => hash;
const nameOf = ({ title }: Video): string => title;
const placeOf = ({ hash }: Video): string => `/videos/${hash}`;
const KIND: BulkKind<Video> = { acts, nameOf, placeOf };

function List({ filter, page: { videos, total } }: { filter: VideoFilter; page: VideoPage }) {
  const client = useQueryClient();
  const mayWrite = useMay('write');
  const selection = useSelection(videos, idOf);
  const refresh = () => {
    for (const key of ['videos', 'video']) void client.invalidateQueries({ queryKey: [key] });
  };
  return (
    <>
      {mayWrite && (
        <BulkHead
          kind={KIND}
          selection={selection}
          shown={videos}
          collect={total > videos.length ? () => collectVideos(filter) : undefined}
          refresh={refresh}
        />
      )}
      {videos.length === 0 ? (
        <div className="card">
          {filter.search !== '' || filter.status !== '' ? (
            <Empty icon={Clapperboard} title="videos.nothing.title" text="videos.nothing.text" />
          ) : (
            <Empty icon={Clapperboard} title="videos.empty.title" text="videos.empty.text" />
          )}
        </div>
      ) : (
        <ul className="videos" aria-label={t('nav.videos')}>
          {videos.map((video) => (
            <VideoCard key={video.hash} video={video} selection={mayWrite ? selection : null} />
          ))}
        </ul>
      )}
    </>
  );
}
