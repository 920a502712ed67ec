// The machines that work, what waits for them, and how busy this one is.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Pause, Play, ServerOff, Waves } from 'lucide-react';
import { useMemo } from 'react';
import { read, request } from '../api/http.ts';
import type { Load, Queue, Worker } from '../api/types.ts';
import { Link } from '../router.tsx';
import { ago, bytes, clock, number, t, tell } from '../text/text.ts';
import { May } from '../ui/may.tsx';
import { Bones, Card, Empty, PageHead, Problem, Scroll, Status } from '../ui/parts.tsx';
import { Plot } from '../ui/plot.tsx';
import { toast, toastError } from '../ui/toasts.tsx';

export default function Machines() {
  const queue = useQuery({ queryKey: ['queue'], queryFn: () => read('GET /queue'), refetchInterval: 3000 });
  const workers = useQuery({ queryKey: ['workers'], queryFn: () => read('GET /workers'), refetchInterval: 3000 });
  return (
    <>
      <PageHead title={t('nav.machines')} about={t('machines.about')}>
        {queue.data && <Status of={queue.data.state} />}
        <May scope="admin">{queue.data && <QueueActs queue={queue.data} />}</May>
      </PageHead>
      {(queue.error ?? workers.error) && <Problem error={queue.error ?? workers.error} />}
      {queue.data ? <Lanes queue={queue.data} /> : <Bones rows={5} />}
      {workers.data && <Workers workers={workers.data.workers} />}
      <LoadPlots />
    </>
  );
}

type Act = 'pause' | 'drain' | 'resume';
const BECOMES: Readonly<Record<Act, Queue['state']>> = { pause: 'paused', drain: 'draining', resume: 'running' };

function QueueActs({ queue }: { queue: Queue }) {
  const client = useQueryClient();
  const act = async (name: Act) => {
    client.setQueryData<Queue>(['queue'], { ...queue, state: BECOMES[name] });
    try {
      client.setQueryData(['queue'], await request<Queue>(`/queue/${name}`, { method: 'POST' }));
      toast(t(`queue.did.${name}`));
    } catch (error) {
      client.setQueryData(['queue'], queue);
      toastError(error);
    }
  };
  return (
    <>
      {queue.state === 'running' ? (
        <>
          <button type="button" className="button" title={t('queue.drain.about')} onClick={() => void act('drain')}>
            <Waves size={16} aria-hidden /> {t('queue.drain')}
          </button>
          <button type="button" className="button" title={t('queue.pause.about')} onClick={() => void act('pause')}>
            <Pause size={16} aria-hidden /> {t('queue.pause')}
          </button>
        </>
      ) : (
        <button type="button" className="button primary" onClick={() => void act('resume')}>
          <Play size={16} aria-hidden /> {t('queue.resume')}
        </button>
      )}
    </>
  );
}

function Lanes({ queue }: { queue: Queue }) {
  // What was given up is told of only where there is some.
  const lanes = Object.entries(queue.lanes).filter(
    ([name, { waiting, active }]) => name !== 'dead' || waiting + active > 0,
  );
  return (
    <Card title={t('queue.title')}>
      <Scroll>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('queue.lane')}</th>
              <th scope="col" className="number">
                {t('queue.waiting')}
              </th>
              <th scope="col" className="number">
                {t('queue.active')}
              </th>
              <th scope="col" className="number">
                {t('queue.oldest')}
              </th>
            </tr>
          </thead>
          <tbody>
            {lanes.map(([name, { waiting, active, oldestSeconds }]) => (
              <tr key={name}>
                <th scope="row">{tell('lane', name)}</th>
                <td className="number">{number(waiting)}</td>
                <td className="number">{number(active)}</td>
                <td className="number">{waiting > 0 ? clock(oldestSeconds) : '–'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

function Workers({ workers }: { workers: readonly Worker[] }) {
  if (workers.length === 0)
    return (
      <div className="card">
        <Empty icon={ServerOff} title="machines.none" text="machines.none.text" />
      </div>
    );
  return (
    <div className="grid-2">
      {workers.map((worker) => (
        <Card
          key={worker.id}
          title={worker.hostname}
          side={<span className="small quiet">{t('machines.heard', { time: ago(worker.lastHeartbeatAt) })}</span>}
        >
          <dl className="facts body">
            <dt>{t('machines.id')}</dt>
            <dd>
              <code>{worker.id}</code> · PID {worker.pid} · {worker.version}
            </dd>
            <dt>{t('machines.running')}</dt>
            <dd className="row">
              {worker.running.length === 0
                ? t('machines.idle')
                : worker.running.map((id) => (
                    <Link key={id} to={`/jobs/${id}`}>
                      #{id}
                    </Link>
                  ))}
              <span className="quiet">{t('machines.slots', { n: worker.concurrency })}</span>
            </dd>
            <dt>{t('machines.encoders')}</dt>
            <dd className="row">
              <Encoders names={worker.encoders} />
            </dd>
          </dl>
        </Card>
      ))}
    </div>
  );
}

/** What is asked for most; FFmpeg brings a hundred more. */
const KNOWN = /264|265|hevc|av1|vp[89x]|aac|opus|mp3|flac|vorbis|webp|gif/;

function Encoders({ names }: { names: readonly string[] }) {
  const known = names.filter((name) => KNOWN.test(name));
  const badge = (name: string) => (
    <span key={name} className="badge plain">
      {name}
    </span>
  );
  return (
    <>
      {known.map(badge)}
      {names.length > known.length && (
        <details>
          <summary className="small quiet">{t('machines.encoders.more', { n: names.length - known.length })}</summary>
          <span className="row">{names.filter((name) => !KNOWN.test(name)).map(badge)}</span>
        </details>
      )}
    </>
  );
}

function LoadPlots() {
  const { data, error } = useQuery({
    queryKey: ['load'],
    queryFn: ({ client }) => readLoad(client.getQueryData<Load>(['load'])),
    refetchInterval: 5000,
  });
  const plots = useMemo(() => {
    const samples = data?.samples ?? [];
    const per = (value: number) => `${bytes(value)}/s`;
    return {
      times: samples.map(({ at }) => Date.parse(at) / 1000),
      cpu: [{ label: '', values: samples.map(({ cpu }) => cpu), format: (value: number) => `${Math.round(value)} %` }],
      memory: [{ label: '', values: samples.map(({ memoryUsed }) => memoryUsed), format: bytes }],
      network: [
        { label: t('load.in'), values: samples.map(({ received }) => received), format: per },
        { label: t('load.out'), values: samples.map(({ sent }) => sent), format: per },
      ],
    };
  }, [data]);
  if (error) return <Problem error={error} />;
  if (!data) return <Bones rows={5} />;
  return (
    <Card title={t('load.title', { host: data.hostname })}>
      <div className="body grid-2">
        <Plot label={t('load.cpu', { n: data.cores })} times={plots.times} series={plots.cpu} max={100} />
        <Plot label={t('load.memory')} times={plots.times} series={plots.memory} max={data.memoryTotal} />
        <Plot label={t('load.network')} times={plots.times} series={plots.network} />
      </div>
    </Card>
  );
}

/** Only what is newer than what is known. */
async function readLoad(known: Load | undefined): Promise<Load> {
  const after = known?.samples.at(-1)?.at;
  const fresh = await read('GET /system/load', {}, { after });
  return known ? { ...fresh, samples: [...known.samples, ...fresh.samples].slice(-720) } : fresh;
}
