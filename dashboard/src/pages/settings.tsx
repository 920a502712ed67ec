// Keys, webhooks, what is configured, and how this page looks.
import { useQuery } from '@tanstack/react-query';
import { LogOut } from 'lucide-react';
import { useState } from 'react';
import { hasKey, keepKey, read } from '../api/http.ts';
import { setQuery, usePlace } from '../router.tsx';
import { hasShortcuts, setShortcuts } from '../shell/shortcuts.tsx';
import { setTheme, THEMES, useTheme } from '../shell/theme.ts';
import { LANGUAGES, type Language, setLanguage, t, useLanguage } from '../text/text.ts';
import { SegmentedControl } from '../ui/field.tsx';
import { Card, PageHead } from '../ui/parts.tsx';
import { Configuration } from './settings/configuration.tsx';
import { Keys } from './settings/keys.tsx';
import { StoragePanel } from './settings/storage.tsx';
import { Webhooks } from './settings/webhooks.tsx';

const TABS = ['look', 'keys', 'webhooks', 'storage', 'configuration'] as const;

export default function Settings() {
  const { query } = usePlace();
  const tab = TABS.find((one) => one === query.get('tab')) ?? 'look';
  const session = useQuery({ queryKey: ['session'], queryFn: () => read('GET /session') });
  const isAdmin = session.data?.scopes.includes('admin') ?? false;
  const leave = () => {
    keepKey('');
    location.reload();
  };
  return (
    <>
      <PageHead title={t('nav.settings')} about={t('settings.about')}>
        {hasKey() && (
          <button type="button" className="button" onClick={leave}>
            <LogOut size={16} aria-hidden /> {t('signin.out')}
          </button>
        )}
      </PageHead>
      <SegmentedControl
        label={t('nav.settings')}
        value={tab}
        options={TABS.map((name) => [name, t(`settings.tab.${name}`)] as const)}
        onChange={(next) => setQuery({ tab: next })}
      />
      {tab === 'look' && <Look />}
      {tab !== 'look' && session.data && !isAdmin && <p className="notice wait">{t('settings.admin')}</p>}
      {tab === 'keys' && isAdmin && <Keys own={session.data?.keyId ?? null} />}
      {tab === 'webhooks' && isAdmin && <Webhooks />}
      {tab === 'storage' && isAdmin && <StoragePanel />}
      {tab === 'configuration' && isAdmin && <Configuration />}
    </>
  );
}

function Look() {
  const theme = useTheme();
  const language = useLanguage();
  const [shortcuts, setShown] = useState<'on' | 'off'>(hasShortcuts() ? 'on' : 'off');
  return (
    <Card title={t('settings.tab.look')}>
      <div className="body stack">
        <div className="row between">
          <span>{t('theme.title')}</span>
          <SegmentedControl
            label={t('theme.title')}
            value={theme}
            options={THEMES.map((name) => [name, t(`theme.${name}`)] as const)}
            onChange={setTheme}
          />
        </div>
        <div className="row between">
          <span>{t('language.title')}</span>
          <SegmentedControl
            label={t('language.title')}
            value={language}
            options={(Object.keys(LANGUAGES) as Language[]).map((name) => [name, LANGUAGES[name].name] as const)}
            onChange={(next) => void setLanguage(next)}
          />
        </div>
        <div className="row between">
          <span>{t('help.title')}</span>
          <SegmentedControl
            label={t('help.title')}
            value={shortcuts}
            options={[
              ['on', t('on')],
              ['off', t('off')],
            ]}
            onChange={(next) => {
              setShortcuts(next === 'on');
              setShown(next);
            }}
          />
        </div>
      </div>
    </Card>
  );
}
