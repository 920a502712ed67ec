// All jobs: filtered, searched, as many as there are, and what can be done with many of them at once.
import { useQueryClient } from '@tanstack/react-query';
import { ArrowUp, Briefcase, Pause, Play, Plus, RotateCcw, Square, Trash2 } from 'lucide-react';
import { useCallback, useState, useSyncExternalStore } from 'react';
import { collectJobs, refreshJobs, useJobList } from '../api/job-list.ts';
import { ACTS, changeJob, deleteJob, type JobAct, type JobFilter } from '../api/jobs.ts';
import type { Job } from '../api/types.ts';
import { Link, rememberScroll, setQuery, usePlace } from '../router.tsx';
import { ago, clock, moment, number, t, tell } from '../text/text.ts';
import { type BulkAct, BulkHead, type BulkKind, Pick } from '../ui/bulk-head.tsx';
import { SearchBox, SegmentedControl } from '../ui/field.tsx';
import { May, useMay } from '../ui/may.tsx';
import { Bones, Empty, PageHead, Progress, Status } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { type Selection, useSelection } from '../ui/selection.ts';
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
        <SegmentedControl
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
      ) : (
        <List key={`${status} ${search}`} filter={{ status, search }} jobs={jobs} isMore={isMore} more={more} />
      )}
      <p className="small quiet" role="status">
        {isMore ? t('jobs.shown.more', { n: jobs.length }) : t('jobs.shown', { n: jobs.length })}
      </p>
    </>
  );
}

const ICONS = { retry: RotateCcw, resume: Play, pause: Pause, cancel: Square } as const;

const acts = (): BulkAct<Job>[] => [
  ...(Object.keys(ICONS) as JobAct[]).map((name) => ({
    label: t(`job.act.${name}`),
    icon: ICONS[name],
    fits: ({ status }: Job) => ACTS[status].includes(name),
    act: (job: Job) => changeJob(job, name),
    ...(name === 'cancel' ? { sure: t('bulk.sure.cancel') } : {}),
  })),
  {
    label: t('act.delete'),
    icon: Trash2,
    fits: () => true,
    act: deleteJob,
    sure: t('bulk.sure.delete'),
  },
];

const idOf = ({ uuid }: Job): string => uuid;
const nameOf = ({ id }: Job): string => `#${id}`;
const placeOf = ({ uuid }: Job): string => `/jobs/${uuid}`;
const KIND: BulkKind<Job> = { acts, nameOf, placeOf };

type ListProps = { filter: JobFilter; jobs: readonly Job[]; isMore: boolean; more: () => void };

/** New jobs wait above it while it is pointed at or scrolled: nothing moves away under a pointer. */
function List({ filter, jobs, isMore, more }: ListProps) {
  const rowHeight = useSyncExternalStore(subscribe, () => (narrow.matches ? 64 : 48));
  const client = useQueryClient();
  const mayWrite = useMay('write');
  const { rows, fresh, onNear, onScrolled, release } = useSteady(jobs);
  const selection = useSelection(rows, idOf);
  const [turn, setTurn] = useState(0);
  const showFresh = () => {
    release();
    rememberScroll(t('nav.jobs'), 0);
    setTurn(turn + 1);
  };
  const columns = (
    <div className="columns">
      <span className="narrow-only">{t('bulk.all')}</span>
      <span>{t('jobs.number')}</span>
      <span>{t('jobs.source')}</span>
      <span>{t('jobs.status')}</span>
      <span>{t('jobs.progress')}</span>
      <span>{t('jobs.outputs')}</span>
      <span>{t('jobs.created')}</span>
    </div>
  );
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing is done there, the list only stands still
    <div className="card jobs" onPointerMove={onNear} onPointerDown={onNear} onFocus={onNear} data-picks={mayWrite}>
      {mayWrite ? (
        <BulkHead
          kind={KIND}
          selection={selection}
          shown={rows}
          collect={isMore ? () => collectJobs(filter) : undefined}
          refresh={() => refreshJobs(client)}
        >
          {columns}
        </BulkHead>
      ) : (
        rows.length > 0 && <div className="bulk-head">{columns}</div>
      )}
      {fresh > 0 && (
        <button type="button" className="button small primary fresh" onClick={showFresh}>
          <ArrowUp size={14} aria-hidden /> {t('jobs.fresh', { n: fresh })}
        </button>
      )}
      {rows.length === 0 ? (
        <Nothing isFiltered={filter.status !== '' || filter.search !== ''} />
      ) : (
        <Window
          key={turn}
          label={t('nav.jobs')}
          rows={rows}
          rowHeight={rowHeight}
          onNearEnd={more}
          onScrolled={onScrolled}
        >
          {(job, place) => (
            <Row
              key={job.uuid}
              job={job}
              place={{ ...place, of: rows.length }}
              selection={mayWrite ? selection : null}
            />
          )}
        </Window>
      )}
    </div>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty icon={Briefcase} title="jobs.nothing.title" text="jobs.nothing.text">
        <button type="button" className="button" onClick={() => setQuery({ status: null, search: null })}>
          {t('jobs.every')}
        </button>
      </Empty>
    );
  return (
    <Empty icon={Briefcase} title="jobs.empty.title" text="jobs.empty.text">
      <May scope="write">
        <Link className="button primary" to="/jobs/new">
          {t('jobs.new')}
        </Link>
      </May>
    </Empty>
  );
}

type RowProps = { job: Job; place: { index: number; top: number; of: number }; selection: Selection<Job> | null };
function Row({ job, place: { index, top, of }, selection }: RowProps) {
  const took =
    job.startedAt && job.completedAt ? clock((Date.parse(job.completedAt) - Date.parse(job.startedAt)) / 1000) : '';
  return (
    // biome-ignore lint/a11y/useSemanticElements: the list is one by its role as well
    <div
      role="listitem"
      aria-posinset={index + 1}
      aria-setsize={of}
      className="job"
      style={{ insetBlockStart: top }}
      data-picked={selection?.has(job) || undefined}
    >
      {selection && <Pick selection={selection} item={job} name={nameOf(job)} />}
      <Link className="columns" to={placeOf(job)}>
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
        <span className="small quiet cut">
          {job.outputs.map(({ spec }) => spec.container.toUpperCase()).join(', ')}
        </span>
        <time className="small quiet" dateTime={job.createdAt} title={moment(job.createdAt)}>
          {ago(job.createdAt)}
        </time>
      </Link>
    </div>
  );
}
