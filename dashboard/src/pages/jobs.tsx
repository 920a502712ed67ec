// All jobs: filtered, searched, as many as there are.
import { ArrowUp, Briefcase, Plus } from 'lucide-react';
import { useCallback, useState, useSyncExternalStore } from 'react';
import { useJobList } from '../api/jobs.ts';
import type { Job } from '../api/types.ts';
import { Link, rememberScroll, setQuery, usePlace } from '../router.tsx';
import { ago, clock, moment, number, t, tell } from '../text/text.ts';
import { May } from '../ui/may.tsx';
import { Bones, Empty, PageHead, Problem, Progress, SearchBox, Segments, Status } from '../ui/parts.tsx';
import { useSteady } from '../ui/steady.ts';
import { Window } from '../ui/window.tsx';

const STATUSES = ['', 'processing', 'queued', 'paused', 'completed', 'failed', 'canceled'] as const;
const narrow = matchMedia('(max-width: 54rem)');
const subscribe = (listener: () => void) => {
  narrow.addEventListener('change', listener);
  return () => narrow.removeEventListener('change', listener);
};

export default function Jobs() {
  const { query } = usePlace();
  const status = STATUSES.find((one) => one === query.get('status')) ?? '';
  const search = query.get('search') ?? '';
  const { jobs, error, isLoading, isMore, more, refetch } = useJobList({ status, search });
  const onSearch = useCallback((text: string) => setQuery({ search: text }), []);
  return (
    <>
      <PageHead title={t('nav.jobs')} about={t('jobs.about')}>
        <May scope="write">
          <Link className="button primary" to="/jobs/new">
            <Plus size={16} aria-hidden /> {t('jobs.new')}
          </Link>
        </May>
      </PageHead>
      <div className="row between">
        <Segments
          label={t('jobs.filter')}
          value={status}
          options={STATUSES.map((one) => [one, one === '' ? t('jobs.every') : tell('status', one)] as const)}
          onChange={(next) => setQuery({ status: next })}
        />
        <SearchBox label={t('jobs.search')} value={search} onSearch={onSearch} />
      </div>
      {error ? (
        <Problem error={error} retry={() => void refetch()} />
      ) : isLoading ? (
        <Bones rows={8} height={1.6} />
      ) : jobs.length === 0 ? (
        <div className="card">
          {status === '' && search === '' ? (
            <Empty icon={Briefcase} title="jobs.empty.title" text="jobs.empty.text">
              <May scope="write">
                <Link className="button primary" to="/jobs/new">
                  {t('jobs.new')}
                </Link>
              </May>
            </Empty>
          ) : (
            <Empty icon={Briefcase} title="jobs.nothing.title" text="jobs.nothing.text">
              <button type="button" className="button" onClick={() => setQuery({ status: null, search: null })}>
                {t('jobs.every')}
              </button>
            </Empty>
          )}
        </div>
      ) : (
        <List key={`${status} ${search}`} jobs={jobs} more={more} />
      )}
      <p className="small quiet" role="status">
        {isMore ? t('jobs.shown.more', { n: jobs.length }) : t('jobs.shown', { n: jobs.length })}
      </p>
    </>
  );
}

/** New jobs wait above it while it is pointed at or scrolled: nothing moves away under a pointer. */
function List({ jobs, more }: { jobs: readonly Job[]; more: () => void }) {
  const rowHeight = useSyncExternalStore(subscribe, () => (narrow.matches ? 64 : 48));
  const { rows, fresh, onNear, onScrolled, release } = useSteady(jobs);
  const [turn, setTurn] = useState(0);
  const showFresh = () => {
    release();
    rememberScroll(t('nav.jobs'), 0);
    setTurn(turn + 1);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing is done there, the list only stands still
    <div className="card jobs" onPointerMove={onNear} onPointerDown={onNear} onFocus={onNear}>
      <div className="head" aria-hidden>
        <span>{t('jobs.number')}</span>
        <span>{t('jobs.source')}</span>
        <span>{t('jobs.status')}</span>
        <span>{t('jobs.progress')}</span>
        <span>{t('jobs.outputs')}</span>
        <span>{t('jobs.created')}</span>
      </div>
      {fresh > 0 && (
        <button type="button" className="button small primary fresh" onClick={showFresh}>
          <ArrowUp size={14} aria-hidden /> {t('jobs.fresh', { n: fresh })}
        </button>
      )}
      <Window
        key={turn}
        label={t('nav.jobs')}
        rows={rows}
        rowHeight={rowHeight}
        onNearEnd={more}
        onScrolled={onScrolled}
      >
        {(job, { top }) => <Row key={job.uuid} job={job} top={top} />}
      </Window>
    </div>
  );
}

function Row({ job, top }: { job: Job; top: number }) {
  const took =
    job.startedAt && job.completedAt ? clock((Date.parse(job.completedAt) - Date.parse(job.startedAt)) / 1000) : '';
  return (
    <Link className="job" to={`/jobs/${job.uuid}`} style={{ insetBlockStart: top }}>
      <span className="quiet number">#{job.id}</span>
      <span className="name cut">{job.name ?? t('job.title', { id: job.id })}</span>
      <span>
        <Status of={job.status} />
      </span>
      {job.status === 'processing' || job.status === 'paused' ? (
        <span className="row nowrap">
          <Progress value={job.progress} label={t('job.progress.of', { id: job.id })} />
          <span className="small number">{number(Math.round(job.progress))}%</span>
        </span>
      ) : (
        <span className="small quiet number">{took && t('job.took', { time: took })}</span>
      )}
      <span className="small quiet cut">{job.outputs.map(({ spec }) => spec.container.toUpperCase()).join(', ')}</span>
      <time className="small quiet" dateTime={job.createdAt} title={moment(job.createdAt)}>
        {ago(job.createdAt)}
      </time>
    </Link>
  );
}
