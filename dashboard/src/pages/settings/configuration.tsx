// What is configured and where it came from; secrets only say that they are there.
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { blocking, read } from '../../api/http.ts';
import type { SettingReport } from '../../api/types.ts';
import { useSettingWords } from '../../text/settings.ts';
import { t, tell } from '../../text/text.ts';
import { SearchBox } from '../../ui/field.tsx';
import { Bones, Card } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';

export function Configuration() {
  const { data, error } = useQuery({ queryKey: ['settings'], queryFn: () => read('GET /admin/settings') });
  const words = useSettingWords();
  const [wanted, setWanted] = useState('');
  const [onlySet, setOnlySet] = useState(false);
  if (blocking({ data, error })) return <Problem error={error} />;
  if (!data || !words) return <Bones rows={8} />;
  const shown = data.settings
    .map((setting) => ({ ...setting, about: words[setting.name] ?? setting.about }))
    .filter(
      ({ name, about, origin }) =>
        (!onlySet || origin !== 'default') && `${name} ${about}`.toLowerCase().includes(wanted.toLowerCase()),
    );
  return (
    <>
      <div className="row between">
        <SearchBox label={t('settings.search')} value={wanted} onSearch={setWanted} />
        <label className="check">
          <input type="checkbox" checked={onlySet} onChange={({ target }) => setOnlySet(target.checked)} />
          {t('settings.changed')}
        </label>
      </div>
      {[...Map.groupBy(shown, ({ group }) => group)].map(([group, settings]) => (
        <Card key={group} title={words[`group.${group}`] ?? group}>
          <Table columns={['settings.name', 'settings.value', 'settings.origin']}>
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
          </Table>
        </Card>
      ))}
    </>
  );
}

function shownValue({ value, isSecret, isSet }: SettingReport) {
  if (isSecret) return <span className="quiet">{t(isSet ? 'settings.secret' : 'settings.unset')}</span>;
  return value === null || value === '' ? <span className="quiet">{t('settings.unset')}</span> : <code>{value}</code>;
}
