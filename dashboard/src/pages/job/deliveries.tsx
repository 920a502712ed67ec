// The webhooks of a job: what was sent, what came of it, and sending it again.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Send, Webhook } from 'lucide-react';
import { blocking, read, request } from '../../api/http.ts';
import type { Job } from '../../api/types.ts';
import { moment, t } from '../../text/text.ts';
import { Bones, Card, Empty, Status } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';
import { toast, toastError } from '../../ui/toasts.tsx';

export function Deliveries({ job }: { job: Job }) {
  const client = useQueryClient();
  const key = ['job', job.uuid, 'deliveries'];
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: () => read('GET /jobs/{id}/deliveries', { id: job.uuid }),
    refetchInterval: 5000,
  });
  const resend = (id: string) =>
    request(`/jobs/${job.uuid}/deliveries/${id}/resend`, { method: 'POST' })
      .then(() => toast(t('deliveries.resent')))
      .catch(toastError)
      .finally(() => void client.invalidateQueries({ queryKey: key }));
  if (blocking({ data, error })) return <Problem error={error} />;
  if (!data) return <Bones />;
  if (data.deliveries.length === 0)
    return (
      <div className="card">
        <Empty icon={Webhook} title="deliveries.empty.title" text="deliveries.empty.text" />
      </div>
    );
  return (
    <Card title={t('job.tab.deliveries')}>
      <Table
        columns={[
          'deliveries.type',
          'jobs.status',
          'deliveries.tries',
          'deliveries.last',
          { name: 'deliveries.resend', isUnseen: true },
        ]}
      >
        {data.deliveries.map(({ id, type, url, status, attempts, nextAttemptAt }) => {
          const last = attempts.at(-1);
          return (
            <tr key={id}>
              <th scope="row">
                {type}
                <div className="small quiet wrap-anywhere">{url}</div>
              </th>
              <td>
                <Status of={status} />
              </td>
              <td className="number">{attempts.length}</td>
              <td className="small">
                {last ? `${last.statusCode ?? ''} ${last.error ?? ''} (${last.ms} ms)` : ''}
                {status === 'pending' && nextAttemptAt && (
                  <div className="quiet">{t('deliveries.next', { time: moment(nextAttemptAt) })}</div>
                )}
              </td>
              <td>
                <button type="button" className="button small" onClick={() => void resend(id)}>
                  <Send size={14} aria-hidden /> {t('deliveries.resend')}
                </button>
              </td>
            </tr>
          );
        })}
      </Table>
    </Card>
  );
}
