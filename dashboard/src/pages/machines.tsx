// What waits for work, and the machines that do it: their processes, and how busy each of them is.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Pause, Play, ServerOff, Waves } from 'lucide-react';
import { useChannelJobs } from '../api/channels.ts';
import { blocking, read, request } from '../api/http.ts';
import { inTurn } from '../api/in-turn.ts';
import { useLoad } from '../api/load.ts';
import type { Queue } from '../api/types.ts';
import { clock, number, t, tell } from '../text/text.ts';
import { May, useServes } from '../ui/may.tsx';
import { Bones, Card, Empty, PageHead, Status } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { Table } from '../ui/table.tsx';
import { toast, toastError } from '../ui/toasts.tsx';
import { MachineCard, machinesOf } from './machines/machine-card.tsx';

export default function Machines() {
  const queue = useQuery({ queryKey: ['queue'], queryFn: () => read('GET /queue'), refetchInterval: 3000 });
  const workers = useQuery({ queryKey: ['workers'], queryFn: () => read('GET /workers'), refetchInterval: 3000 });
  const load = useLoad();
  const channels = useChannelJobs(useServes('channels'));
  const isThere = workers.data && !load.isPending;
  const problem = blocking(queue) ?? blocking(workers) ?? blocking(load);
  const machines = isThere
    ? machinesOf(workers.data.workers, { loads: load.data?.machines ?? [], channels: channels.data ?? [] })
    : null;
  return (
    <>
      <PageHead title={t('nav.machines')} about={t('machines.about')}>
        {queue.data && <Status of={queue.data.state} />}
        <May scope="admin">{queue.data && <QueueActs queue={queue.data} />}</May>
      </PageHead>
      {problem !== null && <Problem error={problem} />}
      {queue.data ? <Lanes queue={queue.data} /> : <Bones rows={5} />}
      {machines === null ? (
        <Bones rows={5} />
      ) : machines.length === 0 ? (
        <div className="card">
          <Empty icon={ServerOff} title="machines.none" text="machines.none.text" />
        </div>
      ) : (
        machines.map((machine) => <MachineCard key={machine.hostname} machine={machine} />)
      )}
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
      const ask = () => request<Queue>(`/queue/${name}`, { method: 'POST' });
      client.setQueryData(['queue'], await inTurn('queue', ask));
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
      <Table
        className="compact"
        columns={[
          'queue.lane',
          { name: 'queue.waiting', className: 'number' },
          { name: 'queue.active', className: 'number' },
          { name: 'queue.oldest', className: 'number' },
        ]}
      >
        {lanes.map(([name, { waiting, active, oldestSeconds }]) => (
          <tr key={name}>
            <th scope="row">{tell('lane', name)}</th>
            <td className={waiting > 0 ? 'number' : 'number quiet'}>{number(waiting)}</td>
            <td className={active > 0 ? 'number' : 'number quiet'}>{number(active)}</td>
            <td className={waiting > 0 ? 'number' : 'number quiet'}>{waiting > 0 ? clock(oldestSeconds) : '–'}</td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
