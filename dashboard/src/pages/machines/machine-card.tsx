// One machine: its processes and what they work on, and its processor, memory and network over the last hour.
import { useMemo } from 'react';
import { isOn } from '../../api/channels.ts';
import type { MachineLoad } from '../../api/load.ts';
import type { ChannelJob, Worker } from '../../api/types.ts';
import { Link } from '../../router.tsx';
import { ago, bytes, number, t } from '../../text/text.ts';
import { Card } from '../../ui/parts.tsx';
import { Plot } from '../../ui/plot.tsx';

export type Machine = {
  hostname: string;
  workers: readonly Worker[];
  load: MachineLoad | null;
  /** That it runs. */
  channels: readonly ChannelJob[];
};
type Known = { loads: readonly MachineLoad[]; channels: readonly ChannelJob[] };
/** Milliseconds of silence after which a machine's figures are old ones. */
const SILENCE = 60_000;

/** By name: those that work, and those that only serve or were heard of within the hour. */
export function machinesOf(workers: readonly Worker[], { loads, channels }: Known): Machine[] {
  const names = new Set([...workers, ...loads].map(({ hostname }) => hostname));
  return [...names].sort().map((hostname) => ({
    hostname,
    workers: workers.filter((worker) => worker.hostname === hostname),
    load: loads.find((load) => load.hostname === hostname) ?? null,
    channels: channels.filter((job) => job.machine === hostname && isOn(job)),
  }));
}

export function MachineCard({ machine: { hostname, workers, load, channels } }: { machine: Machine }) {
  const last = load?.samples.at(-1)?.at;
  const isSilent = last !== undefined && Date.now() - Date.parse(last) > SILENCE;
  return (
    <Card
      title={hostname}
      side={
        <>
          {load && (
            <span className="small quiet">
              {t('load.cores', { n: load.cores })} · {bytes(load.memoryTotal)}
            </span>
          )}
          {isSilent && <span className="badge wait">{t('machines.heard', { time: ago(last) })}</span>}
        </>
      }
    >
      {workers.length > 0 ? (
        <ul className="list workers">
          {workers.map((worker) => (
            <WorkerRow key={worker.id} worker={worker} />
          ))}
        </ul>
      ) : (
        <p className="body small quiet">{t('machines.serves')}</p>
      )}
      {channels.length > 0 && (
        <p className="body row on-air">
          <strong>{t('machines.channels', { n: channels.length })}</strong>
          {channels.map(({ channel, channel_name: name }) => (
            <Link key={channel} to={`/channels/${channel}`}>
              {name}
            </Link>
          ))}
        </p>
      )}
      {load && <LoadPlots load={load} />}
    </Card>
  );
}

function WorkerRow({ worker }: { worker: Worker }) {
  return (
    <li>
      <div className="row between">
        <span className="row">
          <strong>
            {worker.running.length === 0 ? t('machines.idle') : t('machines.works', { n: worker.running.length })}
          </strong>
          {worker.running.map((id) => (
            <Link key={id} to={`/jobs/${id}`}>
              #{id}
            </Link>
          ))}
          <span className="small quiet">{t('machines.slots', { n: worker.concurrency })}</span>
        </span>
        <span className="small quiet">
          <code>{worker.id}</code> · PID {worker.pid} · {worker.version} ·{' '}
          {t('machines.heard', { time: ago(worker.lastHeartbeatAt) })}
        </span>
      </div>
      <Encoders names={worker.encoders} />
    </li>
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
    <div className="row encoders">
      <span className="small quiet">{t('machines.encoders')}</span>
      {known.map(badge)}
      {names.length > known.length && (
        <details>
          <summary className="small quiet">
            {t('machines.encoders.more', { n: number(names.length - known.length) })}
          </summary>
          <span className="row">{names.filter((name) => !KNOWN.test(name)).map(badge)}</span>
        </details>
      )}
    </div>
  );
}

function LoadPlots({ load }: { load: MachineLoad }) {
  const plots = useMemo(() => {
    const { samples } = load;
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
  }, [load]);
  return (
    <div className="body grid-3">
      <Plot label={t('load.cpu')} times={plots.times} series={plots.cpu} max={100} />
      <Plot label={t('load.memory')} times={plots.times} series={plots.memory} max={load.memoryTotal} />
      <Plot label={t('load.network')} times={plots.times} series={plots.network} />
    </div>
  );
}
