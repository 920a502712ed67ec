// The last day, the disk and the machines in figures.
import { useQuery } from '@tanstack/react-query';
import { read } from '../../api/http.ts';
import type { Overview } from '../../api/types.ts';
import { Link } from '../../router.tsx';
import { bytes, clock, hour, t } from '../../text/text.ts';
import { Card } from '../../ui/parts.tsx';

const MOST_MACHINES = 5;

export function Throughput({ overview }: { overview: Overview }) {
  const hours = overview.throughput;
  const sum = (field: 'completed' | 'failed' | 'bytes' | 'mediaSeconds') =>
    hours.reduce((all, one) => all + one[field], 0);
  const most = Math.max(1, ...hours.map(({ completed, failed }) => completed + failed));
  const text = t('home.throughput.text', {
    completed: sum('completed'),
    failed: sum('failed'),
    bytes: bytes(sum('bytes')),
    time: clock(sum('mediaSeconds')),
  });
  return (
    <Card title={t('home.throughput')}>
      <div className="body stack">
        <p className="quiet small">{text}</p>
        <div className="bars" role="img" aria-label={text}>
          {hours.map(({ hour: begin, completed, failed }) => (
            <div className="hour" key={begin} title={`${hour(begin)}: ${completed} ✓ ${failed} ✕`}>
              <div className="done" style={{ blockSize: `${(completed / most) * 100}%` }} />
              <div className="failed" style={{ blockSize: `${(failed / most) * 100}%` }} />
            </div>
          ))}
        </div>
        <div className="row between small quiet" aria-hidden>
          <span>{hours[0] && hour(hours[0].hour)}</span>
          <span>{t('time.now')}</span>
        </div>
      </div>
    </Card>
  );
}

export function Disk({ disk: { size, free } }: { disk: Overview['disk'] }) {
  const used = Math.round(((size - free) / size) * 100);
  return (
    <Card title={t('home.disk')}>
      <div className="body stack">
        <div className="meter" role="img" aria-label={t('home.disk.used', { used })}>
          <span className={used > 90 ? 'bad' : ''} style={{ inlineSize: `${used}%` }} />
        </div>
        <p className="small quiet">{t('home.disk.text', { free: bytes(free), size: bytes(size) })}</p>
      </div>
    </Card>
  );
}

export function Machines() {
  const { data } = useQuery({ queryKey: ['workers'], queryFn: () => read('GET /workers'), refetchInterval: 10_000 });
  const workers = data?.workers ?? [];
  return (
    <Card title={t('nav.machines')} side={<Link to="/machines">{t('act.all')}</Link>}>
      {data && workers.length === 0 ? (
        <p className="body bad-text">{t('machines.none')}</p>
      ) : (
        <ul className="list">
          {workers.slice(0, MOST_MACHINES).map(({ id, hostname, running }) => (
            <li key={id}>
              <div className="row between nowrap">
                <span className="cut">{hostname}</span>
                <span className="small quiet">
                  {running.length > 0 ? t('machines.works', { n: running.length }) : t('machines.idle')}
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
