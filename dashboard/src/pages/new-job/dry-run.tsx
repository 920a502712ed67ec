// What would be done, before it is: POST /plan.
import { ClipboardList } from 'lucide-react';
import { useState } from 'react';
import { request } from '../../api/http.ts';
import type { Finding } from '../../api/types.ts';
import { bytes, pixels, t } from '../../text/text.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Findings } from '../job/tables.tsx';

type PlanView = {
  findings: Finding[];
  renditions: { name: string; width: number; height: number; codec: string; method: string; rate: string | null }[];
  cost: { cpuSeconds: number; outputBytes: number };
  reasons: string[];
};

export function Dry({ spec }: { spec: unknown }) {
  const [plan, setPlan] = useState<PlanView | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const ask = () => {
    setBusy(true);
    setError(null);
    request<PlanView>('/plan', { method: 'POST', json: spec })
      .then(setPlan, setError)
      .finally(() => setBusy(false));
  };
  const close = () => {
    setPlan(null);
    setError(null);
  };
  if (spec === null) return null;
  return (
    <>
      <button type="button" className="button" disabled={busy} onClick={ask}>
        <ClipboardList size={16} aria-hidden /> {t('newjob.dry')}
      </button>
      {(plan || error !== null) && (
        <Dialog label={t('newjob.dry')} onClose={close}>
          <div className="inside">
            <h2>{t('newjob.dry')}</h2>
            {error !== null && <Problem error={error} />}
            {plan && (
              <>
                <p>
                  {t('plan.cost.text', {
                    cpu: Math.max(1, Math.round(plan.cost.cpuSeconds)),
                    bytes: bytes(plan.cost.outputBytes),
                    tasks: plan.renditions.length,
                  })}
                </p>
                <ul className="stack small">
                  {plan.renditions.map((one) => (
                    <li key={one.name + one.codec}>
                      <strong>{one.name}</strong> {pixels(one.width, one.height)} {one.codec} ·{' '}
                      {one.method === 'copied' ? t('plan.copied') : one.rate}
                    </li>
                  ))}
                </ul>
                <Findings findings={plan.findings} />
              </>
            )}
            <button type="button" className="button" onClick={close}>
              {t('act.close')}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
