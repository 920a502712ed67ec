// The first page: what runs now, what needs attention, what the last day gave, how much room is left.
import { useQuery } from '@tanstack/react-query';
import { AlertTriangle, CheckCircle2, Plus, Rocket, Upload } from 'lucide-react';
import { useChannelJobs } from '../api/channels.ts';
import { blocking, read } from '../api/http.ts';
import { useNewestJobs } from '../api/jobs.ts';
import type { Job, Overview } from '../api/types.ts';
import { Link } from '../router.tsx';
import { ago, bytes, clock, hour, number, t, tell } from '../text/text.ts';
import { May, Served, useServes } from '../ui/may.tsx';
import { Bones, Card, Empty, PageHead, Problem, Progress, reason, Stat, Status } from '../ui/parts.tsx';

const ANY = { status: '', search: '' };
/** Share of the disk below which it is time to make room. */
const LITTLE_ROOM = 0.1;
const MOST_FAILED = 5;
const MOST_CHANNELS = 5;

const STATS = ['processing', 'queued', 'completed', 'failed'] as const;

export default function Home() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read('GET /overview'), refetchInterval: 30_000 });
  const problem = blocking(overview);
  const jobs = overview.data?.jobs;
  const lists = useServes('jobs');
  const to = (status: string) => (lists ? { to: `/jobs?status=${status}` } : {});
  const isNew = jobs && Object.values(jobs).every((count) => count === 0);
  return (
    <>
      <PageHead title={t('nav.home')} about={t('home.about')}>
        <May scope="write">
          <Served api="videos">
            <Link className="button" to="/videos">
              <Upload size={16} aria-hidden /> {t('videos.upload')}
            </Link>
          </Served>
          <Served api="jobs">
            <Link className="button primary" to="/jobs/new">
              <Plus size={16} aria-hidden /> {t('jobs.new')}
            </Link>
          </Served>
        </May>
      </PageHead>
      {problem !== null && <Problem error={problem} retry={() => void overview.refetch()} />}
      {isNew && (
        <div className="card">
          <Empty icon={Rocket} title="home.empty.title" text="home.empty.text">
            <May scope="write">
              <Served api="videos">
                <Link className="button primary" to="/videos">
                  {t('videos.upload')}
                </Link>
              </Served>
              <Served api="jobs">
                <Link className="button" to="/jobs/new">
                  {t('jobs.new')}
                </Link>
              </Served>
            </May>
          </Empty>
        </div>
      )}
      {/* There from the beginning: nothing below moves when the figures come. */}
      <div className="grid-4">
        {STATS.map((status) => (
          <Stat
            key={status}
            label={tell('status', status)}
            value={jobs ? number(jobs[status] ?? 0) : '–'}
            {...to(status)}
          />
        ))}
      </div>
      <div className="grid-2">
        <Running />
        <Attention overview={overview.data} />
      </div>
      {overview.data ? <Throughput overview={overview.data} /> : <Bones rows={4} />}
      <div className="grid-2">
        {overview.data && <Disk disk={overview.data.disk} />}
        <Machines />
      </div>
    </>
  );
}

function Running() {
  const live = useChannelJobs(useServes('channels'));
  const onAir = live.data?.filter(({ status }) => status === 'running') ?? [];
  const { data, error, isLoading } = useNewestJobs({ ...ANY, status: 'processing' }, 6, useServes('jobs'));
  const jobs = data?.jobs ?? [];
  return (
    <Card
      title={t('home.running')}
      side={
        <Served api="jobs">
          <Link to="/jobs?status=processing">{t('act.all')}</Link>
        </Served>
      }
    >
      {blocking({ data, error }) ? (
        <div className="body">
          <Problem error={error} />
        </div>
      ) : isLoading || live.isLoading ? (
        <Waiting />
      ) : jobs.length + onAir.length === 0 ? (
        <p className="body quiet">{t('home.running.none')}</p>
      ) : (
        <ul className="list">
          {jobs.map((job) => (
            <RunningJob key={job.uuid} job={job} />
          ))}
          {onAir.slice(0, MOST_CHANNELS).map(({ id, channel, channel_name, uptime_seconds }) => (
            <li key={`channel-${id}`}>
              <div className="row between nowrap">
                <Link className="name cut" to={`/channels/${channel}`}>
                  {channel_name ?? channel}
                </Link>
                <span className="badge live">{t('player.live')}</span>
              </div>
              <span className="small quiet">{t('home.onair', { time: clock(uptime_seconds ?? 0) })}</span>
            </li>
          ))}
          <More n={onAir.length - MOST_CHANNELS} to="/channels?show=on" />
        </ul>
      )}
    </Card>
  );
}

/** As tall as a short list. */
function Waiting() {
  return (
    <p className="body waiting" aria-busy="true">
      <span className="unseen" role="status">
        {t('loading')}
      </span>
    </p>
  );
}

function More({ n, to }: { n: number; to: string }) {
  if (n <= 0) return null;
  return (
    <li>
      <Link className="small" to={to}>
        {t('list.more', { n })}
      </Link>
    </li>
  );
}

function RunningJob({ job }: { job: Job }) {
  const left = job.etaSeconds === null ? null : t('job.left', { time: clock(job.etaSeconds) });
  // One that rests between two pieces of its work waits no longer than that.
  const speed = job.speed ? t('job.speed', { speed: job.speed }) : left === null ? t('job.waits') : null;
  return (
    <li>
      <div className="row between nowrap">
        <Link className="name cut" to={`/jobs/${job.uuid}`}>
          {job.name ?? t('job.title', { id: job.id })}
        </Link>
        <span className="number small">{number(job.progress)} %</span>
      </div>
      <Progress value={job.progress} label={t('job.progress.of', { id: job.id })} />
      <span className="small quiet">{[speed, left].filter((part) => part !== null).join(' · ')}</span>
    </li>
  );
}

function Attention({ overview }: { overview: Overview | undefined }) {
  const failed = useNewestJobs({ ...ANY, status: 'failed' }, MOST_FAILED, useServes('jobs'));
  const health = useQuery({
    queryKey: ['health'],
    // Its answer says more than its status.
    queryFn: async () => (await fetch('/health')).json() as Promise<{ checks: Record<string, string> }>,
    refetchInterval: 20_000,
  });
  const live = useChannelJobs(useServes('channels'));
  const dayAgo = Date.now() - 86_400_000;
  const recent = (failed.data?.jobs ?? []).filter(({ completedAt }) => completedAt && Date.parse(completedAt) > dayAgo);
  const checks = Object.entries(health.data?.checks ?? {}).filter(([, state]) => state !== 'ok');
  const hooks = (overview?.deliveries.failed ?? 0) + (overview?.deliveries.disabled ?? 0);
  const room = overview ? overview.disk.free / overview.disk.size : 1;
  const troubled = live.data?.filter(({ status }) => ['error', 'retrying'].includes(status)) ?? [];
  // Nothing is called fine before it was looked at.
  const isKnown = overview !== undefined && !health.isLoading && !failed.isLoading && !live.isLoading;
  const isCalm = recent.length + checks.length + hooks + troubled.length === 0 && room >= LITTLE_ROOM;
  return (
    <Card
      title={t('home.attention')}
      side={recent.length === MOST_FAILED && <Link to="/jobs?status=failed">{t('home.attention.more')}</Link>}
    >
      {isCalm && !isKnown ? (
        <Waiting />
      ) : isCalm ? (
        <p className="body row">
          <CheckCircle2 size={18} color="var(--good)" aria-hidden /> {t('home.attention.none')}
        </p>
      ) : (
        <ul className="list">
          {checks.map(([name]) => (
            <li key={name}>
              <span className="row bad-text">
                <AlertTriangle size={16} aria-hidden /> {t('home.check', { name: tell('check', name) })}
              </span>
            </li>
          ))}
          {room < LITTLE_ROOM && overview && (
            <li>
              <span className="row bad-text">
                <AlertTriangle size={16} aria-hidden /> {t('home.disk.little', { free: bytes(overview.disk.free) })}
              </span>
            </li>
          )}
          {hooks > 0 && (
            <li>
              <Link className="name" to="/settings?tab=webhooks">
                {t('home.webhooks', { n: hooks })}
              </Link>
            </li>
          )}
          {troubled.slice(0, MOST_CHANNELS).map(({ id, channel, channel_name, status, error_code, error_message }) => (
            <li key={`channel-${id}`}>
              <div className="row between nowrap">
                <Link className="name cut" to={`/channels/${channel}`}>
                  {channel_name ?? channel}
                </Link>
                <Status of={status} />
              </div>
              {error_message && <span className="small quiet cut">{reason(error_code, error_message)}</span>}
            </li>
          ))}
          <More n={troubled.length - MOST_CHANNELS} to="/channels?show=trouble" />
          {recent.map((job) => (
            <li key={job.uuid}>
              <div className="row between nowrap">
                <Link className="name cut" to={`/jobs/${job.uuid}`}>
                  {job.name ?? t('job.title', { id: job.id })}
                </Link>
                <span className="small quiet">{job.completedAt && ago(job.completedAt)}</span>
              </div>
              <span className="small bad-text cut">{job.error && reason(job.error.code, job.error.message)}</span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function Throughput({ overview }: { overview: Overview }) {
  const hours = overview.throughput;
  const sum = (field: 'completed' | 'failed' | 'bytes' | 'mediaSeconds') =>
    hours.reduce((all, one) => all + one[field], 0);
  const most = Math.max(1, ...hours.map(({ completed, failed }) => completed + failed));
  const text = t('home.throughput.text', {
    completed: sum('completed'),
    failed: sum('failed'),
    bytes: bytes(sum('bytes')),
    time: clock(sum('mediaSeconds')),
  });
  return (
    <Card title={t('home.throughput')}>
      <div className="body stack">
        <p className="quiet small">{text}</p>
        <div className="bars" role="img" aria-label={text}>
          {hours.map(({ hour: begin, completed, failed }) => (
            <div className="hour" key={begin} title={`${hour(begin)}: ${completed} ✓ ${failed} ✕`}>
              <div className="done" style={{ blockSize: `${(completed / most) * 100}%` }} />
              <div className="failed" style={{ blockSize: `${(failed / most) * 100}%` }} />
            </div>
          ))}
        </div>
        <div className="row between small quiet" aria-hidden>
          <span>{hours[0] && hour(hours[0].hour)}</span>
          <span>{t('time.now')}</span>
        </div>
      </div>
    </Card>
  );
}

function Disk({ disk: { size, free } }: { disk: Overview['disk'] }) {
  const used = Math.round(((size - free) / size) * 100);
  return (
    <Card title={t('home.disk')}>
      <div className="body stack">
        <div className="meter" role="img" aria-label={t('home.disk.used', { used })}>
          <span className={used > 90 ? 'bad' : ''} style={{ inlineSize: `${used}%` }} />
        </div>
        <p className="small quiet">{t('home.disk.text', { free: bytes(free), size: bytes(size) })}</p>
      </div>
    </Card>
  );
}

function Machines() {
  const { data } = useQuery({ queryKey: ['workers'], queryFn: () => read('GET /workers'), refetchInterval: 10_000 });
  const workers = data?.workers ?? [];
  return (
    <Card title={t('nav.machines')} side={<Link to="/machines">{t('act.all')}</Link>}>
      {data && workers.length === 0 ? (
        <p className="body bad-text">{t('machines.none')}</p>
      ) : (
        <ul className="list">
          {workers.slice(0, 5).map(({ id, hostname, running }) => (
            <li key={id}>
              <div className="row between nowrap">
                <span className="cut">{hostname}</span>
                <span className="small quiet">
                  {running.length > 0 ? t('machines.works', { n: running.length }) : t('machines.idle')}
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
