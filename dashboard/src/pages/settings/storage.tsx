// What lies in storage, what is kept how long, what the next sweep deletes, and having it deleted now.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Eraser } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { blocking, read, request } from '../../api/http.ts';
import type { Storage } from '../../api/types.ts';
import { ago, bytes, number, t, tell } from '../../text/text.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Bones, Card, Stat } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';
import { toast } from '../../ui/toasts.tsx';

/** Milliseconds between looks while a sweep is on its way. */
const LOOK = 1500;

export function StoragePanel() {
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  // The count that was there when the sweep was ordered; null where none is.
  const [before, setBefore] = useState<string | null>(null);
  const { data, error } = useQuery({
    queryKey: ['storage'],
    queryFn: () => read('GET /admin/storage'),
    refetchInterval: ({ state }) => (before !== null && isOlder(state.data, before) ? LOOK : 10_000),
  });
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read('GET /overview') });
  if (blocking({ data, error })) return <Problem error={error} />;
  if (!data) return <Bones rows={8} />;
  const sweeps = before !== null && isOlder(data, before);
  const total = data.usage.kinds.reduce((sum, kind) => sum + kind.bytes, 0);
  return (
    <>
      <div className="grid-4">
        <Stat
          label={t('settings.storage')}
          value={t(data.place.kind === 's3' ? 'settings.storage.s3' : 'settings.storage.disk')}
        />
        <Stat label={t('storage.total')} value={data.usage.countedAt === null ? '–' : bytes(total)} />
        {overview.data && data.place.kind === 'disk' && (
          <Stat label={t('storage.free')} value={bytes(overview.data.disk.free)} />
        )}
        <Stat label={t('storage.due')} value={number(data.rules.reduce((sum, { due }) => sum + due, 0))} />
      </div>
      <Usage storage={data} total={total} />
      <Rules storage={data}>
        <button type="button" className="button" disabled={sweeps} onClick={() => setAsked(true)}>
          <Eraser size={16} aria-hidden /> {t(sweeps ? 'storage.sweeping' : 'storage.sweep')}
        </button>
      </Rules>
      {asked && (
        <SweepDialog
          storage={data}
          onClose={() => setAsked(false)}
          onDone={(answer) => {
            setAsked(false);
            setBefore(answer.usage.countedAt ?? '');
            client.setQueryData(['storage'], answer);
            toast(t('storage.swept'));
          }}
        />
      )}
    </>
  );
}

const isOlder = (storage: Storage | undefined, before: string): boolean => (storage?.usage.countedAt ?? '') === before;

function Usage({ storage: { usage, place }, total }: { storage: Storage; total: number }) {
  const kinds = usage.kinds.filter(({ objects }) => objects > 0);
  return (
    <Card
      title={t('storage.usage')}
      side={
        <span className="small quiet">
          {usage.countedAt === null ? t('storage.uncounted') : t('storage.counted', { time: ago(usage.countedAt) })}
        </span>
      }
    >
      <div className="body stack">
        <p className="small quiet wrap-anywhere">
          <code>{place.location}</code>
        </p>
        {kinds.length === 0 ? (
          <p className="quiet">{t(usage.countedAt === null ? 'storage.soon' : 'storage.nothing')}</p>
        ) : (
          <>
            <div
              className="shares"
              role="img"
              aria-label={kinds.map(({ kind, bytes: size }) => `${tell('kept', kind)} ${bytes(size)}`).join(', ')}
            >
              {kinds.map(({ kind, bytes: size }) => (
                <i key={kind} data-kind={kind} style={{ flexGrow: size / Math.max(1, total) }} />
              ))}
            </div>
            <ul className="kinds">
              {kinds.map(({ kind, objects, bytes: size }) => (
                <li key={kind}>
                  <i data-kind={kind} aria-hidden />
                  <strong>{tell('kept', kind)}</strong>
                  <span className="number">{bytes(size)}</span>
                  <span className="quiet small">{t('storage.objects', { n: objects })}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </Card>
  );
}

/** 168 hours are said as seven days. */
const forHours = (hours: number | null): string => {
  if (hours === null) return t('storage.forever');
  if (hours === 0) return t('storage.atonce');
  return hours >= 48 && hours % 24 === 0 ? t('storage.days', { n: hours / 24 }) : t('storage.hours', { n: hours });
};

function Rules({ storage: { rules, sweepEvery }, children }: { storage: Storage; children: ReactNode }) {
  return (
    <Card title={t('storage.rules')} side={children}>
      <Table
        columns={[
          'storage.kind',
          'storage.keep',
          { name: 'storage.kept', className: 'number' },
          { name: 'storage.due', className: 'number' },
          { name: 'storage.tomorrow', className: 'number wide-only' },
        ]}
      >
        {rules.map(({ kind, setting, hours, kept, due, dueBytes, dueWithinDay }) => (
          <tr key={kind}>
            <th scope="row">{tell('rule', kind)}</th>
            <td>
              {forHours(hours)}
              {setting && (
                <div className="small quiet">
                  <code>{setting}</code>
                </div>
              )}
            </td>
            <td className="number">{kept === null ? '–' : number(kept)}</td>
            <td className={due > 0 ? 'number' : 'number quiet'}>
              {number(due)}
              {dueBytes > 0 && <div className="small quiet">{bytes(dueBytes)}</div>}
            </td>
            <td className={`number wide-only ${dueWithinDay > 0 ? '' : 'quiet'}`}>{number(dueWithinDay)}</td>
          </tr>
        ))}
      </Table>
      <p className="body small quiet">{t('storage.every', { n: Math.round(sweepEvery / 60) })}</p>
    </Card>
  );
}

type SweepProps = { storage: Storage; onClose: () => void; onDone: (answer: Storage) => void };
function SweepDialog({ storage, onClose, onDone }: SweepProps) {
  const [wrong, setWrong] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const due = storage.rules.filter((rule) => rule.due > 0);
  const sweep = async () => {
    setBusy(true);
    try {
      onDone(await request<Storage>('/admin/storage/sweep', { method: 'POST' }));
    } catch (error) {
      setWrong(error);
      setBusy(false);
    }
  };
  return (
    <Dialog label={t('storage.sweep')} onClose={onClose}>
      <div className="inside">
        <h2>{t('storage.sweep')}</h2>
        {wrong !== null && <Problem error={wrong} />}
        {due.length === 0 ? (
          <p>{t('storage.sweep.nothing')}</p>
        ) : (
          <>
            <p>{t('storage.sweep.about')}</p>
            <ul>
              {due.map(({ kind, due: count, dueBytes }) => (
                <li key={kind}>
                  <strong>{tell('rule', kind)}</strong>: {number(count)}
                  {dueBytes > 0 && ` (${bytes(dueBytes)})`}
                </li>
              ))}
            </ul>
          </>
        )}
        <div className="row">
          <button
            type="button"
            className={due.length > 0 ? 'button danger' : 'button primary'}
            disabled={busy}
            onClick={() => void sweep()}
          >
            {t(due.length > 0 ? 'storage.sweep.yes' : 'storage.sweep.anyway')}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t('act.back')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
