// One job: how far it is, its chunks, outputs, plan, log and webhooks, and what can be done with it.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Copy, Pause, Play, RotateCcw, Square, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { blocking, read } from '../api/http.ts';
import { ACTS, type JobAct, useJob, useJobActs } from '../api/jobs.ts';
import { useEvents } from '../api/live.ts';
import type { Job, Output } from '../api/types.ts';
import { Player } from '../player/player.tsx';
import { go, setQuery, usePlace } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { clock, moment, number, t } from '../text/text.ts';
import { Code } from '../ui/code.tsx';
import { SegmentedControl } from '../ui/field.tsx';
import { May } from '../ui/may.tsx';
import { Bones, Card, PageHead, Progress, Status } from '../ui/parts.tsx';
import { Failure, Problem } from '../ui/problem.tsx';
import { Attempts } from './job/attempts.tsx';
import { ChunkMap } from './job/chunk-map.tsx';
import { Deliveries } from './job/deliveries.tsx';
import { Log, type LogLine } from './job/log.tsx';
import { Findings, Outputs, Plan } from './job/tables.tsx';

type Live = {
  progress: number;
  speed: number | null;
  etaSeconds: number | null;
  stage?: string;
  outputs: { index: number; status: Output['status']; progress: number }[];
};
const MOST_LINES = 5000;
const TABS = ['overview', 'plan', 'attempts', 'log', 'deliveries', 'request'] as const;

export default function JobPage({ params }: PageProps) {
  const id = params.id ?? '';
  const client = useQueryClient();
  const { data: job, error, refetch } = useJob(id);
  const [live, setLive] = useState<Live | null>(null);
  const [log, setLog] = useState<readonly LogLine[]>([]);
  const { query } = usePlace();
  const tab = TABS.find((one) => one === query.get('tab')) ?? 'overview';
  useEvents(
    `/jobs/${encodeURIComponent(id)}/events`,
    ({ event, data }) => {
      if (event === 'log') setLog((lines) => [...lines, data as LogLine].slice(-MOST_LINES));
      if (event === 'progress') {
        setLive(data as Live);
        // The plan appears with the first progress.
        if (!job?.plan) void client.invalidateQueries({ queryKey: ['job', id] });
      }
      if (event === 'status') void client.invalidateQueries({ queryKey: ['job', id] });
    },
    // The stream begins with the log so far.
    { onOpen: () => setLog([]) },
  );
  const back = { to: '/jobs', label: t('nav.jobs') };
  const problem = blocking({ data: job, error });
  if (problem)
    return (
      <>
        <PageHead title={t('job.title', { id })} back={back} />
        <Problem error={problem} retry={() => void refetch()} />
      </>
    );
  if (!job) return <Bones rows={8} />;
  const shown = live && job.status === 'processing' ? withLive(job, live) : job;
  return (
    <>
      <PageHead title={job.name ?? t('job.title', { id: job.id })} back={back} about={<About job={job} />}>
        <May scope="write">
          <Actions job={job} />
        </May>
      </PageHead>
      {(job.status === 'processing' || job.status === 'paused') && <Running job={shown} stage={live?.stage} />}
      {job.error && (
        <div className="notice bad" role="alert">
          <span aria-hidden>⚠</span>
          <div>
            <Failure of={job.error} />
            <code className="small">{job.error.code}</code>
          </div>
        </div>
      )}
      <SegmentedControl
        label={t('job.parts')}
        value={tab}
        options={TABS.map((name) => [name, t(`job.tab.${name}`)] as const)}
        onChange={(next) => setQuery({ tab: next === 'overview' ? null : next })}
      />
      {tab === 'overview' && (
        <>
          <div className="watch">
            <Preview job={shown} />
            <Chunks job={shown} />
          </div>
          <Outputs job={shown} />
        </>
      )}
      {tab === 'plan' && (
        <>
          <section aria-label={t('findings.title')}>
            <Findings findings={job.findings} />
          </section>
          {job.plan ? <Plan plan={job.plan} /> : <p className="quiet">{t('job.plan.none')}</p>}
        </>
      )}
      {tab === 'attempts' && <Attempts job={job} />}
      {tab === 'log' && <Log lines={log} href={`/jobs/${job.uuid}/log`} />}
      {tab === 'deliveries' && <Deliveries job={job} />}
      {tab === 'request' && <Request job={job} />}
    </>
  );
}

function About({ job }: { job: Job }) {
  const took = job.startedAt && job.completedAt && (Date.parse(job.completedAt) - Date.parse(job.startedAt)) / 1000;
  return (
    <span className="row small">
      <Status of={job.status} /> #{job.id} · {t('job.submitted', { time: moment(job.createdAt) })}
      {typeof took === 'number' && ` · ${t('job.took', { time: clock(took) })}`}
      {job.attempts > 1 && ` · ${t('job.attempts', { n: job.attempts })}`} · {t('job.priority', { n: job.priority })}
    </span>
  );
}

const withLive = (job: Job, live: Live): Job => ({
  ...job,
  progress: live.stage === 'fetch' ? job.progress : live.progress,
  speed: live.speed,
  etaSeconds: live.etaSeconds,
  outputs: job.outputs.map(
    (output): Output => ({ ...output, ...live.outputs.find(({ index }) => index === output.index) }),
  ),
});

function Running({ job, stage }: { job: Job; stage: string | undefined }) {
  return (
    <div className="stack">
      <Progress value={job.progress} label={t('jobs.progress')} />
      {/* Read out at every tenth, not at every figure. */}
      <span className="unseen" role="status">
        {t('job.progress.now', { percent: Math.floor(job.progress / 10) * 10 })}
      </span>
      <p className="small quiet number">
        {stage === 'fetch' ? t('job.fetching') : `${number(job.progress)} %`}
        {job.speed !== null && job.speed > 0 && ` · ${t('job.speed', { speed: job.speed })}`}
        {job.etaSeconds !== null && ` · ${t('job.left', { time: clock(job.etaSeconds) })}`}
      </p>
    </div>
  );
}

const ICONS = { cancel: Square, pause: Pause, resume: Play, retry: RotateCcw } as const;

function Actions({ job }: { job: Job }) {
  const { act, remove } = useJobActs();
  const button = (name: JobAct) => {
    const Icon = ICONS[name];
    return (
      <button key={name} type="button" className="button" onClick={() => void act(job, name)}>
        <Icon size={16} aria-hidden /> {t(`job.act.${name}`)}
      </button>
    );
  };
  return (
    <>
      {ACTS[job.status].map(button)}
      <button type="button" className="button" onClick={() => go(`/jobs/new?like=${job.uuid}`)}>
        <Copy size={16} aria-hidden /> {t('job.act.clone')}
      </button>
      <button
        type="button"
        className="button danger"
        onClick={() => {
          remove(job);
          go('/jobs');
        }}
      >
        <Trash2 size={16} aria-hidden /> {t('act.delete')}
      </button>
    </>
  );
}

/** The first adaptive output plays as soon as it has something to show. */
function Preview({ job }: { job: Job }) {
  const output = job.outputs.find(
    ({ spec, status }) => spec.container === 'hls' && !['failed', 'canceled'].includes(status),
  );
  const kind = output && (output.spec.destination as { kind?: string } | undefined)?.kind;
  if (!output || (kind !== undefined && kind !== 'managed') || !job.startedAt) return null;
  const folder = `/jobs/${job.uuid}/outputs/${output.index}`;
  const has = (name: string) => output.result?.files.some((file) => file.name === name) ?? false;
  return (
    <Player
      url={`${folder}/master.m3u8`}
      growing={job.status === 'processing'}
      {...(has('poster.jpg') ? { poster: `${folder}/poster.jpg` } : {})}
      {...(has('storyboard.vtt') ? { storyboard: `${folder}/storyboard.vtt` } : {})}
    />
  );
}

function Chunks({ job }: { job: Job }) {
  const { data } = useQuery({
    queryKey: ['job', job.uuid, 'tasks'],
    queryFn: () => read('GET /jobs/{id}/tasks', { id: job.uuid }),
    refetchInterval: job.status === 'processing' ? 1500 : false,
  });
  if (!data || data.tasks.length === 0) return null;
  return (
    <Card title={t('chunks.title')}>
      <div className="body">
        <ChunkMap tasks={data.tasks} job={job} />
      </div>
    </Card>
  );
}

function Request({ job }: { job: Job }) {
  const request = {
    source: job.source,
    outputs: job.outputs.map(({ spec }) => spec),
    priority: job.priority,
    notificationUrl: job.notificationUrl,
    metadata: job.metadata,
  };
  return (
    <Card title={t('job.tab.request')}>
      <div className="body stack">
        <p className="small quiet">{t('job.request.about')}</p>
        <Code text={JSON.stringify(request, null, 2)} label={t('job.tab.request')} />
      </div>
    </Card>
  );
}
