// The newest jobs, live.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Job, listJobs } from './api.ts';
import { clock, moment } from './format.ts';
import { Bar, Status } from './status.tsx';

/** Progress is asked for; changes of state come by themselves. */
const BUSY_MS = 1500;

export function JobList() {
  const [search, setSearch] = useState('');
  const { data, error, isPending } = useQuery({
    queryKey: ['jobs', search],
    queryFn: () => listJobs(search),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.jobs.some(({ status }) => status === 'processing' || status === 'queued') ? BUSY_MS : false,
  });
  const jobs = data?.jobs ?? [];
  return (
    <section aria-labelledby="jobs-title">
      <div className="heading">
        <h2 id="jobs-title">Jobs</h2>
        <input
          type="search"
          placeholder="Search"
          aria-label="Search jobs"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
      </div>
      {error && (
        <p className="problem" role="alert">
          {error.message}
        </p>
      )}
      {!isPending && jobs.length === 0 && !error && (
        <p className="empty">{search === '' ? 'Nothing yet. Drop a file above.' : `Nothing is called “${search}”.`}</p>
      )}
      <ul className="jobs">
        {jobs.map((job) => (
          <li key={job.id}>
            <Row job={job} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Row({ job }: { job: Job }) {
  const name = job.name ?? `Job ${job.id}`;
  const active = job.status === 'processing' || job.status === 'paused';
  return (
    <a className="card row" href={`#/jobs/${job.uuid}`}>
      <span className="title">
        <strong>{name}</strong>
        <small>
          #{job.id} · {moment(job.createdAt)} · {job.outputs.map(({ spec }) => spec.container).join(', ')}
        </small>
      </span>
      <span className="state">
        <Status status={job.status} />
        {active && (
          <small>
            {job.progress.toFixed(0)} %{job.etaSeconds !== null && ` · ${clock(job.etaSeconds)} left`}
          </small>
        )}
        {job.status === 'failed' && job.error && <small className="bad-text">{job.error.message}</small>}
      </span>
      {active && <Bar value={job.progress} label={`Progress of ${name}`} />}
    </a>
  );
}
