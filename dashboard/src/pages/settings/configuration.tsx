// What is configured and where it came from; secrets only say that they are there.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { read } from '../../api/http.ts';
import type { SettingReport } from '../../api/types.ts';
import { bytes, t, tell } from '../../text/text.ts';
import { Bones, Card, Problem, Scroll, SearchBox, Stat } from '../../ui/parts.tsx';

export function Configuration() {
  const { data, error } = useQuery({ queryKey: ['settings'], queryFn: () => read('GET /admin/settings') });
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read('GET /overview') });
  const [wanted, setWanted] = useState('');
  const [onlySet, setOnlySet] = useState(false);
  if (error) return <Problem error={error} />;
  if (!data) return <Bones rows={8} />;
  const of = (name: string) => data.settings.find((one) => one.name === name)?.value ?? '';
  const shown = data.settings.filter(
    ({ name, about, origin }) =>
      (!onlySet || origin !== 'default') && `${name} ${about}`.toLowerCase().includes(wanted.toLowerCase()),
  );
  const retention = of('RETENTION_HOURS');
  return (
    <>
      <div className="grid-4">
        <Stat
          label={t('settings.storage')}
          value={t(data.storage === 's3' ? 'settings.storage.s3' : 'settings.storage.disk')}
        />
        <Stat
          label={t('settings.retention')}
          value={
            retention === 'off' ? t('settings.retention.off') : t('settings.retention.hours', { n: Number(retention) })
          }
        />
        {overview.data && <Stat label={t('home.disk')} value={bytes(overview.data.disk.free)} />}
      </div>
      <div className="row between">
        <SearchBox label={t('settings.search')} value={wanted} onSearch={setWanted} />
        <label className="check">
          <input type="checkbox" checked={onlySet} onChange={({ target }) => setOnlySet(target.checked)} />
          {t('settings.changed')}
        </label>
      </div>
      {[...Map.groupBy(shown, ({ group }) => group)].map(([group, settings]) => (
        <Card key={group} title={group}>
          <Scroll>
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('settings.name')}</th>
                  <th scope="col">{t('settings.value')}</th>
                  <th scope="col">{t('settings.origin')}</th>
                </tr>
              </thead>
              <tbody>
                {settings.map((setting) => (
                  <tr key={setting.name}>
                    <th scope="row">
                      <code>{setting.name}</code>
                      <div className="small quiet">{setting.about}</div>
                    </th>
                    <td className="wrap-anywhere">{shownValue(setting)}</td>
                    <td>
                      <span className={`badge plain ${setting.origin === 'default' ? '' : 'info'}`}>
                        {tell('origin', setting.origin)}
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </Card>
      ))}
    </>
  );
}

function shownValue({ value, isSecret, isSet }: SettingReport) {
  if (isSecret) return <span className="quiet">{t(isSet ? 'settings.secret' : 'settings.unset')}</span>;
  return value === null || value === '' ? <span className="quiet">{t('settings.unset')}</span> : <code>{value}</code>;
}
