// What runs now: jobs and channels on air.
import { useChannelJobs } from '../../api/channels.ts';
import { blocking } from '../../api/http.ts';
import { useNewestJobs } from '../../api/jobs.ts';
import type { Job } from '../../api/types.ts';
import { Link } from '../../router.tsx';
import { clock, number, t } from '../../text/text.ts';
import { Served, useServes } from '../../ui/may.tsx';
import { Card, Progress } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { MOST_CHANNELS, More, Waiting } from './short-list.tsx';

const MOST_JOBS = 6;

export function Running() {
  const live = useChannelJobs(useServes('channels'));
  const onAir = live.data?.filter(({ status }) => status === 'running') ?? [];
  const { data, error, isLoading } = useNewestJobs({ status: 'processing', search: '' }, MOST_JOBS, useServes('jobs'));
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
                  {channel_name}
                </Link>
                <span className="badge live">{t('player.live')}</span>
              </div>
              <span className="small quiet">{t('home.onair', { time: clock(uptime_seconds) })}</span>
            </li>
          ))}
          <More n={onAir.length - MOST_CHANNELS} to="/channels?show=on" />
        </ul>
      )}
    </Card>
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
