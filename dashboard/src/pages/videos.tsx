// All videos as cards, and where new ones are dropped.
import { Clapperboard } from 'lucide-react';
import { useCallback } from 'react';
import { PAGE_SIZE, useVideos } from '../api/videos.ts';
import { setQuery, usePlace } from '../router.tsx';
import { t, tell } from '../text/text.ts';
import { May } from '../ui/may.tsx';
import { Bones, Empty, PageHead, Problem, SearchBox } from '../ui/parts.tsx';
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
  const onSearch = useCallback((text: string) => setQuery({ search: text, page: null }), []);
  const pages = Math.max(1, Math.ceil((data?.total ?? 0) / PAGE_SIZE));
  const isFiltered = filter.search !== '' || filter.status !== '';
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
      {error ? (
        <Problem error={error} retry={() => void refetch()} />
      ) : !data ? (
        <Bones rows={6} height={2} />
      ) : data.videos.length === 0 ? (
        <div className="card">
          {isFiltered ? (
            <Empty icon={Clapperboard} title="videos.nothing.title" text="videos.nothing.text" />
          ) : (
            <Empty icon={Clapperboard} title="videos.empty.title" text="videos.empty.text" />
          )}
        </div>
      ) : (
        <ul className="videos" aria-label={t('nav.videos')}>
          {data.videos.map((video) => (
            <VideoCard key={video.hash} video={video} />
          ))}
        </ul>
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
