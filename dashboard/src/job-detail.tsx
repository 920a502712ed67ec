// One job: how far it is, what was found and planned, its outputs, a player, its log, and what can be done with it.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { act, getJob, type Job, type Output, remove } from './api.ts';
import { useEvents } from './events.ts';
import { clock, moment } from './format.ts';
import { Findings, Outputs, PlanTable } from './job-tables.tsx';
import { Player } from './player.tsx';
import { Bar, Status } from './status.tsx';

type Progress = {
  progress: number;
  speed: number | null;
  etaSeconds: number | null;
  stage?: string;
  outputs: { index: number; status: string; progress: number }[];
};
type LogLine = { at: string; task: string; line: string };
const MOST_LINES = 1000;

export function JobDetail({ id }: { id: string }) {
  const client = useQueryClient();
  const { data: job, error } = useQuery({ queryKey: ['job', id], queryFn: () => getJob(id) });
  const [live, setLive] = useState<Progress | null>(null);
  const [log, setLog] = useState<LogLine[]>([]);
  useEvents(`/jobs/${id}/events`, ({ event, data }) => {
    if (event === 'log') setLog((lines) => [...lines, data as LogLine].slice(-MOST_LINES));
    if (event === 'progress') {
      setLive(data as Progress);
      // The plan appears with the first progress.
      if (!job?.plan) void client.invalidateQueries({ queryKey: ['job', id] });
    }
    if (event === 'status') void client.invalidateQueries({ queryKey: ['job', id] });
  });
  if (error) {
    return (
      <p className="problem" role="alert">
        {error.message} <a href="#/">All jobs</a>
      </p>
    );
  }
  if (!job) return <p className="hint">…</p>;
  const shown = live && job.status === 'processing' ? withProgress(job, live) : job;
  return (
    <article>
      <a href="#/">← All jobs</a>
      <div className="heading">
        <h1>{job.name ?? `Job ${job.id}`}</h1>
        <Status status={job.status} />
      </div>
      <p className="hint">
        #{job.id} · submitted {moment(job.createdAt)}
        {job.startedAt &&
          job.completedAt &&
          ` · took ${clock((Date.parse(job.completedAt) - Date.parse(job.startedAt)) / 1000)}`}
      </p>
      <Running job={shown} stage={live?.stage} />
      {job.error && (
        <div className="problem" role="alert">
          <strong>{job.error.message}</strong>
          <p>{job.error.advice}</p>
          <small>{job.error.code}</small>
        </div>
      )}
      <Actions job={job} />
      <Preview job={shown} />
      <Outputs outputs={shown.outputs} />
      <Findings findings={job.findings} />
      {job.plan && <PlanTable plan={job.plan} />}
      <details className="card">
        <summary>Log</summary>
        <pre className="log">
          {log.length === 0
            ? 'Nothing yet.'
            : log.map(({ at, task, line }) => `${at.slice(11, 19)} ${task}: ${line}\n`)}
        </pre>
        <a href={`/jobs/${job.uuid}/log`}>All of it as text</a>
      </details>
    </article>
  );
}

const withProgress = (job: Job, live: Progress): Job => ({
  ...job,
  progress: live.stage === 'fetch' ? job.progress : live.progress,
  speed: live.speed,
  etaSeconds: live.etaSeconds,
  outputs: job.outputs.map(
    (output): Output => ({ ...output, ...live.outputs.find(({ index }) => index === output.index) }),
  ),
});

function Running({ job, stage }: { job: Job; stage: string | undefined }) {
  if (job.status !== 'processing' && job.status !== 'paused') return null;
  return (
    <div className="running">
      <Bar value={job.progress} label="Progress" />
      <p className="hint" role="status">
        {stage === 'fetch' ? 'Fetching the source' : `${job.progress.toFixed(1)} %`}
        {job.speed !== null && job.speed > 0 && ` · ${job.speed.toFixed(1)}× real time`}
        {job.etaSeconds !== null && ` · ${clock(job.etaSeconds)} left`}
      </p>
    </div>
  );
}

const ACTIONS: Readonly<Record<Job['status'], readonly string[]>> = {
  queued: ['pause', 'cancel'],
  processing: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  failed: ['retry'],
  canceled: ['retry'],
  completed: [],
};

function Actions({ job }: { job: Job }) {
  const client = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [asking, setAsking] = useState(false);
  const run = async (work: () => Promise<unknown>) => {
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    await client.invalidateQueries({ queryKey: ['job'] });
  };
  const erase = () =>
    run(async () => {
      await remove(job.uuid);
      location.hash = '#/';
    });
  return (
    <div className="actions">
      {ACTIONS[job.status].map((action) => (
        <button type="button" key={action} onClick={() => void run(() => act(job.uuid, action))}>
          {action.charAt(0).toUpperCase() + action.slice(1)}
        </button>
      ))}
      {asking ? (
        <>
          <button type="button" className="danger" onClick={() => void erase()}>
            Delete job and files
          </button>
          <button type="button" onClick={() => setAsking(false)}>
            Keep it
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setAsking(true)}>
          Delete…
        </button>
      )}
      {problem !== null && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

function Preview({ job }: { job: Job }) {
  const stream = job.outputs.find(({ spec }) => spec.container === 'hls');
  const destination = stream?.spec.destination as { kind?: string } | undefined;
  if (
    !stream ||
    destination?.kind !== 'managed' ||
    job.status === 'queued' ||
    stream.status === 'failed' ||
    (stream.status === 'canceled' && job.plan === null)
  )
    return null;
  const folder = `/jobs/${job.uuid}/outputs/${stream.index}`;
  const poster = stream.result?.files.some(({ name }) => name === 'poster.jpg') ? `${folder}/poster.jpg` : undefined;
  return <Player url={`${folder}/master.m3u8`} poster={poster} growing={stream.status !== 'uploaded'} />;
}
