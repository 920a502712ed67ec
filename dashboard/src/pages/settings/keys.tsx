// API keys: made (and shown once), listed with their last use, revoked.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound, Plus } from 'lucide-react';
import { useState } from 'react';
import { blocking, read, request } from '../../api/http.ts';
import type { ApiKey, NewApiKey } from '../../api/types.ts';
import { ago, moment, t } from '../../text/text.ts';
import { Code } from '../../ui/code.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Bones, Card, Empty } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';
import { toast, toastError } from '../../ui/toasts.tsx';

const SCOPES = ['read', 'write', 'worker', 'admin'] as const;

export function Keys({ own }: { own: string | null }) {
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<ApiKey | null>(null);
  const { data, error } = useQuery({ queryKey: ['keys'], queryFn: () => read('GET /admin/keys') });
  const refresh = () => void client.invalidateQueries({ queryKey: ['keys'] });
  const revoke = (key: ApiKey) =>
    request(`/admin/keys/${key.id}`, { method: 'DELETE' })
      .then(() => toast(t('keys.revoked', { name: key.name })))
      .catch(toastError)
      .finally(refresh);
  if (blocking({ data, error })) return <Problem error={error} />;
  if (!data) return <Bones />;
  const keys = [...data.keys].reverse();
  return (
    <Card
      title={t('settings.tab.keys')}
      side={
        <button type="button" className="button primary small" onClick={() => setMaking(true)}>
          <Plus size={15} aria-hidden /> {t('keys.make')}
        </button>
      }
    >
      {keys.length === 0 ? (
        <Empty icon={KeyRound} title="keys.empty.title" text="keys.empty.text" />
      ) : (
        <Table
          columns={[
            'keys.name',
            'keys.scopes',
            { name: 'keys.created', className: 'wide-only' },
            'keys.used',
            { name: 'keys.revoke', isUnseen: true },
          ]}
        >
          {keys.map((key) => (
            <tr key={key.id}>
              <th scope="row">{key.name}</th>
              <td>{key.scopes.join(', ')}</td>
              <td className="small quiet wide-only">{moment(key.createdAt)}</td>
              <td className="small quiet">{key.lastUsedAt ? ago(key.lastUsedAt) : t('keys.never')}</td>
              <td>
                {key.revokedAt ? (
                  <span className="badge">{t('keys.is.revoked')}</span>
                ) : key.id === own ? (
                  <span className="badge good">{t('keys.own')}</span>
                ) : (
                  <button type="button" className="button small danger" onClick={() => setEnding(key)}>
                    {t('keys.revoke')}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {making && (
        <MakeKey
          onClose={() => {
            setMaking(false);
            refresh();
          }}
        />
      )}
      {ending && (
        <Dialog label={t('keys.revoke')} onClose={() => setEnding(null)}>
          <div className="inside">
            <h2>{t('keys.revoke.sure', { name: ending.name })}</h2>
            <p className="quiet">{t('keys.revoke.about')}</p>
            <div className="row">
              <button
                type="button"
                className="button danger"
                onClick={() => {
                  setEnding(null);
                  void revoke(ending);
                }}
              >
                {t('keys.revoke')}
              </button>
              <button type="button" className="button" onClick={() => setEnding(null)}>
                {t('act.back')}
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </Card>
  );
}

function MakeKey({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly string[]>(['read']);
  const [key, setKey] = useState<string | null>(null);
  const [wrong, setWrong] = useState<unknown>(null);
  const make = () =>
    request<NewApiKey>('/admin/keys', { method: 'POST', json: { name, scopes } }).then(
      (made) => setKey(made.key),
      setWrong,
    );
  return (
    <Dialog label={t('keys.make')} onClose={onClose}>
      {key !== null ? (
        <div className="inside">
          <h2>{t('keys.made')}</h2>
          <p className="quiet">{t('keys.made.about')}</p>
          <Code text={key} label={t('signin.key')} />
          <button type="button" className="button primary" onClick={onClose}>
            {t('act.done')}
          </button>
        </div>
      ) : (
        <form
          className="inside"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <h2>{t('keys.make')}</h2>
          {wrong !== null && <Problem error={wrong} />}
          <Field label={t('keys.name')} hint={t('keys.name.hint')}>
            {(id, described) => (
              <input
                id={id}
                aria-describedby={described}
                className="input"
                required
                maxLength={100}
                value={name}
                onChange={({ target }) => setName(target.value)}
              />
            )}
          </Field>
          <fieldset className="stack">
            <legend>{t('keys.scopes')}</legend>
            {SCOPES.map((scope) => (
              <label key={scope} className="check">
                <input
                  type="checkbox"
                  checked={scopes.includes(scope)}
                  onChange={({ target }) =>
                    setScopes(target.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
                  }
                />
                <span>
                  {scope} <span className="quiet small">{t(`keys.scope.${scope}`)}</span>
                </span>
              </label>
            ))}
          </fieldset>
          <div className="row">
            <button type="submit" className="button primary" disabled={scopes.length === 0}>
              {t('keys.make')}
            </button>
            <button type="button" className="button" onClick={onClose}>
              {t('act.back')}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
