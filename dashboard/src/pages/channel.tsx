// Channel page: one live channel: its player, figures over time, restarts and log.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Copy, Pencil, Play, RadioTower, RotateCcw, Square, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { isOn, patchChannelJob, pathOf, useChannel, useChannelActs, useChannelJobs } from '../api/channels.ts';
import { blocking, request } from '../api/http.ts';
import { useEvents } from '../api/live.ts';
import type { Channel, ChannelJob } from '../api/types.ts';
import { Player } from '../player/player.tsx';
import { go, Link } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { clock, t, tell, told } from '../text/text.ts';
import { CopyButton } from '../ui/code.tsx';
import { May } from '../ui/may.tsx';
import { Bones, PageHead } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { Facts } from './channel/facts.tsx';
import { Figures, keepFigures } from './channel/figures.tsx';
import { History } from './channel/history.tsx';
import { Publish } from './channel/publish.tsx';
import { MachineLoad } from './channels/machine-load.tsx';
import { State } from './channels/state.tsx';
import { Log, type LogLine } from './job/log.tsx';

const MOST_LINES = 5000;
const TAIL = 1000;

export default function ChannelPage({ params }: PageProps) {
  const id = params.id ?? '';
  const channel = useChannel(id);
  const jobs = useChannelJobs();
  const job = jobs.data?.find((one) => String(one.channel) === id);
  const back = { to: '/channels', label: t('nav.channels') };
  const error = blocking(channel) ?? blocking(jobs);
  if (error) {
    return (
      <>
        <PageHead title={t('nav.channels')} back={back} />
        <Problem error={error} retry={() => void channel.refetch()} />
      </>
    );
  }
  if (!channel.data || !job) return <Bones rows={8} />;
  return <Shown channel={channel.data} job={job} />;
}

function Shown({ channel, job }: { channel: Channel; job: ChannelJob }) {
  const lines = useChannelStream(job);
  const name = told('failure', job.error_code ?? '');
  return (
    <>
      <PageHead title={channel.name} back={{ to: '/channels', label: t('nav.channels') }} about={<About job={job} />}>
        <May scope="write">
          <Actions channel={channel} job={job} />
        </May>
      </PageHead>
      {job.error_message && (
        <div className={`notice ${job.status === 'error' ? 'bad' : 'wait'}`} role="alert">
          <span aria-hidden>⚠</span>
          <div>
            <strong>{t('channel.trouble')}</strong>
            {name !== null && <span>{name}</span>}
            <span lang="en">{job.error_message}</span>
          </div>
        </div>
      )}
      {job.status === 'running' && job.input !== 'primary' && (
        <div className="notice wait" role="status">
          <span aria-hidden>⚠</span>
          <div>{t('channel.away', { input: tell('channel.input', job.input) })}</div>
        </div>
      )}
      <div className="watch">
        <div className="stack">
          <Screen channel={channel} job={job} />
        </div>
        <div className="stack">
          <Publish channel={channel} />
          <Facts channel={channel} job={job} />
        </div>
      </div>
      <Figures job={job.id} />
      <MachineLoad />
      <div className="log-and-history">
        <Log lines={lines} href={`/api/job/${job.id}/log/`} />
        <History job={job.id} />
      </div>
    </>
  );
}

/** State, figures and log as they come, over one stream; what is further back is read once. */
function useChannelStream(job: ChannelJob): readonly LogLine[] {
  const client = useQueryClient();
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const older = useQuery({
    queryKey: ['channel-log', job.id],
    queryFn: () => request<string>(`/api/job/${job.id}/log/?tail=${TAIL}`).then((text) => linesOf(text).map(readLine)),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  useEvents(
    `/api/job/${job.id}/events/`,
    ({ event, data }) => {
      if (event === 'log') setLines((known) => [...known, readLine(String(data))].slice(-MOST_LINES));
      else {
        keepFigures(data as ChannelJob);
        patchChannelJob(client, data as ChannelJob);
      }
    },
    // It begins with the last lines.
    { onOpen: () => setLines([]) },
  );
  const [first] = lines;
  const before = older.data ?? [];
  const at = first ? before.findIndex((one) => one.at === first.at && one.line === first.line) : -1;
  return at < 0 ? [...before, ...lines].slice(-MOST_LINES) : [...before.slice(0, at), ...lines].slice(-MOST_LINES);
}

const linesOf = (text: string): string[] =>
  typeof text === 'string' ? text.split('\n').filter((one) => one !== '') : [];

/** `2026-01-01T00:00:00.000Z encoder: text` */
function readLine(line: string): LogLine {
  const [, at, task, rest] = /^(\d{4}-\S+Z) ([^:]+): (.*)$/.exec(line) ?? [];
  return at === undefined ? { at: '', task: '', line } : { at, task: task ?? '', line: rest ?? '' };
}

function About({ job }: { job: ChannelJob }) {
  return (
    <span className="row small">
      <State of={job.status} />
      {job.status === 'running' && (
        <span className="number">{t('channel.uptime', { time: clock(job.uptime_seconds) })}</span>
      )}
      {job.retries > 0 && <span>{t('channel.retries', { n: job.retries })}</span>}
    </span>
  );
}

function Screen({ channel, job }: { channel: Channel; job: ChannelJob }) {
  const path = pathOf(channel.playback_url);
  if (path === null || !isOn(job)) {
    return (
      <div className="player off-air">
        <div className="over">
          <RadioTower size={30} aria-hidden />
          <strong>{t(isOn(job) ? 'status.running' : 'channel.off.title')}</strong>
          <span>{t(isOn(job) ? 'channel.elsewhere' : 'channel.off')}</span>
        </div>
      </div>
    );
  }
  return (
    <>
      {/* A new start is a new stream. */}
      <Player key={job.start_time} url={path} live label={channel.name} />
      <div className="row">
        <CopyButton text={channel.playback_url ?? ''} label={t('channel.watch.link')} />
        <code className="small quiet cut" dir="ltr">
          {path.split('?')[0]}
        </code>
      </div>
    </>
  );
}

function Actions({ channel, job }: { channel: Channel; job: ChannelJob }) {
  const { act, remove } = useChannelActs();
  return (
    <div className="row channel-acts">
      {isOn(job) ? (
        <>
          <button type="button" className="button" onClick={() => void act(job, 'stop')}>
            <Square size={15} aria-hidden /> {t('channel.stop')}
          </button>
          <button type="button" className="button" onClick={() => void act(job, 'restart')}>
            <RotateCcw size={16} aria-hidden /> {t('channel.restart')}
          </button>
        </>
      ) : (
        <button type="button" className="button primary" onClick={() => void act(job, 'start')}>
          <Play size={16} aria-hidden /> {t('channel.start')}
        </button>
      )}
      <Link className="button" to={`/channels/${channel.id}/edit`}>
        <Pencil size={15} aria-hidden /> {t('act.edit')}
      </Link>
      <Link className="button icon" to={`/channels/new?from=${channel.id}`} aria-label={t('channel.clone')}>
        <Copy size={16} aria-hidden />
      </Link>
      <button
        type="button"
        className="button icon danger"
        aria-label={t('act.delete')}
        onClick={() => {
          remove(channel);
          go('/channels');
        }}
      >
        <Trash2 size={16} aria-hidden />
      </button>
    </div>
  );
}
