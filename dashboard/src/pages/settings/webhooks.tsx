// How the receivers of webhooks fare.
import { useQuery } from '@tanstack/react-query';
import { Webhook } from 'lucide-react';
import { blocking, read } from '../../api/http.ts';
import { Link } from '../../router.tsx';
import { ago, t } from '../../text/text.ts';
import { Bones, Card, Empty, Status } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';

export function Webhooks() {
  const { data, error } = useQuery({
    queryKey: ['webhooks'],
    queryFn: () => read('GET /admin/webhooks'),
    refetchInterval: 10_000,
  });
  if (blocking({ data, error })) return <Problem error={error} />;
  if (!data) return <Bones />;
  if (data.receivers.length === 0)
    return (
      <div className="card">
        <Empty icon={Webhook} title="webhooks.empty.title" text="webhooks.empty.text" />
      </div>
    );
  return (
    <>
      <div className="grid-2">
        {data.receivers.map(({ origin, counts, lastAttemptAt, lastError }) => {
          const { delivered = 0, failed = 0, pending = 0, disabled = 0 } = counts;
          return (
            <Card
              key={origin}
              title={<span className="wrap-anywhere">{origin}</span>}
              side={<Status of={failed + disabled > 0 ? 'failed' : lastError ? 'retrying' : 'ok'} />}
            >
              <div className="body stack">
                <p>{t('webhooks.counts', { delivered, pending, failed: failed + disabled })}</p>
                <p className="small quiet">
                  {lastAttemptAt && t('webhooks.last', { time: ago(lastAttemptAt) })}
                  {lastAttemptAt && lastError && ' · '}
                  {lastError}
                </p>
              </div>
            </Card>
          );
        })}
      </div>
      <Card title={t('webhooks.recent')}>
        <Table columns={['deliveries.type', 'jobs.status', 'deliveries.tries', 'nav.jobs', 'jobs.created']}>
          {data.deliveries.map((one) => (
            <tr key={one.id}>
              <th scope="row">
                {one.type}
                {one.lastError && <div className="small bad-text wrap-anywhere">{one.lastError}</div>}
              </th>
              <td>
                <Status of={one.status} />
              </td>
              <td className="number">{one.attempts}</td>
              <td>{one.jobId !== null && <Link to={`/jobs/${one.jobId}`}>#{one.jobId}</Link>}</td>
              <td className="small quiet">{ago(one.createdAt)}</td>
            </tr>
          ))}
        </Table>
      </Card>
    </>
  );
}
