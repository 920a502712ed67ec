// The frame: header, which page is shown, and the question for a key where the server wants one.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ApiError, getHealth, listJobs, storeKey } from './api.ts';
import { useEvents } from './events.ts';
import { JobDetail } from './job-detail.tsx';
import { JobList } from './job-list.tsx';
import { SubmitForm } from './submit-form.tsx';

/** `#/jobs/UUID` is a job; anything else the list. */
const readRoute = (): string | null => /^#\/jobs\/([\w-]+)$/.exec(location.hash)?.[1] ?? null;

function useRoute(): string | null {
  const [job, setJob] = useState(readRoute);
  useEffect(() => {
    const hear = () => setJob(readRoute());
    addEventListener('hashchange', hear);
    return () => removeEventListener('hashchange', hear);
  }, []);
  return job;
}

export function App() {
  const job = useRoute();
  const client = useQueryClient();
  const probe = useQuery({ queryKey: ['jobs', ''], queryFn: () => listJobs('') });
  const locked = probe.error instanceof ApiError && probe.error.status === 401;
  // Whatever changes anywhere: ask again.
  useEvents(locked ? null : '/events/stream', () => {
    void client.invalidateQueries({ queryKey: ['jobs'] });
    void client.invalidateQueries({ queryKey: ['job'] });
  });
  return (
    <>
      <header className="bar">
        <a className="brand" href="#/">
          Rendition
        </a>
        <nav aria-label="Site">
          <HealthDot />
          <a href="/docs">API</a>
        </nav>
      </header>
      <main>
        {locked ? (
          <KeyForm onDone={() => void client.resetQueries()} />
        ) : job === null ? (
          <>
            <SubmitForm />
            <JobList />
          </>
        ) : (
          <JobDetail key={job} id={job} />
        )}
      </main>
    </>
  );
}

function HealthDot() {
  const { data, error } = useQuery({ queryKey: ['health'], queryFn: getHealth, refetchInterval: 15_000 });
  const wrong = data
    ? Object.entries(data.checks)
        .filter(([, state]) => state !== 'ok')
        .map(([name]) => name)
    : [];
  const text = error
    ? 'not reachable'
    : wrong.length > 0
      ? `${wrong.join(', ')} failing`
      : data
        ? 'everything works'
        : '…';
  return (
    <output className={`health ${error || wrong.length > 0 ? 'bad' : 'good'}`} aria-label="Health of the server">
      {text}
    </output>
  );
}

function KeyForm({ onDone }: { onDone: () => void }) {
  return (
    <form
      className="card key"
      onSubmit={(event) => {
        event.preventDefault();
        storeKey(String(new FormData(event.currentTarget).get('key') ?? ''));
        onDone();
      }}
    >
      <h1>This server needs a key</h1>
      <label htmlFor="key">API key</label>
      <input id="key" name="key" type="password" autoComplete="off" required />
      <button type="submit" className="primary">
        Go on
      </button>
      <p className="hint">
        <code>rendition keys create --name me --scopes admin</code> makes one.
      </p>
    </form>
  );
}
