// What needs attention: services that fail, little room, webhooks that do not arrive, channels in trouble, jobs that failed within a day.
import { useQuery } from '@tanstack/react-query';
import { AlertTriangle, CheckCircle2 } from 'lucide-react';
import { useChannelJobs } from '../../api/channels.ts';
import { useNewestJobs } from '../../api/jobs.ts';
import type { Health, Overview } from '../../api/types.ts';
import { Link } from '../../router.tsx';
import { ago, bytes, t, tell } from '../../text/text.ts';
import { useServes } from '../../ui/may.tsx';
import { Card, Status } from '../../ui/parts.tsx';
import { reason } from '../../ui/problem.tsx';
import { MOST_CHANNELS, More, Waiting } from './short-list.tsx';

/** Share of the disk below which it is time to make room. */
const LITTLE_ROOM = 0.1;
const MOST_FAILED = 5;
const DAY_MS = 86_400_000;

export function Attention({ overview }: { overview: Overview | undefined }) {
  const failed = useNewestJobs({ status: 'failed', search: '' }, MOST_FAILED, useServes('jobs'));
  const health = useQuery({
    queryKey: ['health'],
    // Its answer says more than its status.
    queryFn: async () => (await fetch('/health')).json() as Promise<Health>,
    refetchInterval: 20_000,
  });
  const live = useChannelJobs(useServes('channels'));
  const dayAgo = Date.now() - DAY_MS;
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
                  {channel_name}
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
