// The command palette (Ctrl or ⌘ with K): every page, common acts, and jobs by what is typed.
import { useQuery } from '@tanstack/react-query';
import { ArrowRight, Briefcase, type LucideIcon, Moon, Plus, Radio, Sun, SunMoon } from 'lucide-react';
import { type KeyboardEvent, useId, useState } from 'react';
import { read } from '../api/http.ts';
import { go } from '../router.tsx';
import { t } from '../text/text.ts';
import { Dialog } from '../ui/dialog.tsx';
import type { Target } from './nav.tsx';
import { setTheme } from './theme.ts';

type Command = { name: string; hint: string; icon: LucideIcon; act: () => void };

export function Palette({ targets, onClose }: { targets: readonly Target[]; onClose: () => void }) {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const list = useId();
  const wanted = text.trim().toLowerCase();
  const session = useQuery({ queryKey: ['session'], queryFn: () => read('GET /session') });
  // Only what this server serves, and this key may do.
  const isThere = (to: string) => targets.some((target) => target.to === to);
  const mayWrite = session.data?.scopes.some((scope) => scope === 'admin' || scope === 'write') ?? true;
  const jobs = useQuery({
    queryKey: ['jobs', 'palette', wanted],
    queryFn: () => read('GET /jobs', {}, { search: wanted, limit: 5 }),
    enabled: wanted.length > 1 && isThere('/jobs'),
  });
  const making: readonly Command[] = [
    { at: '/jobs', name: t('jobs.new'), icon: Plus },
    { at: '/channels', name: t('channels.new'), icon: Radio },
  ]
    .filter((one) => mayWrite && isThere(one.at))
    .map(({ at: page, ...one }) => ({ ...one, hint: t('palette.act'), act: () => go(`${page}/new`) }));
  const commands: Command[] = [
    ...targets.map(({ to, label, icon }) => ({ name: t(label), hint: t('palette.page'), icon, act: () => go(to) })),
    ...making,
    { name: t('theme.light'), hint: t('theme.title'), icon: Sun, act: () => setTheme('light') },
    { name: t('theme.dark'), hint: t('theme.title'), icon: Moon, act: () => setTheme('dark') },
    { name: t('theme.system'), hint: t('theme.title'), icon: SunMoon, act: () => setTheme('system') },
    { name: t('palette.docs'), hint: '/docs', icon: ArrowRight, act: () => open('/docs', '_self') },
  ].filter(({ name }) => name.toLowerCase().includes(wanted));
  for (const job of wanted.length > 1 ? (jobs.data?.jobs ?? []) : []) {
    commands.push({
      name: `#${job.id} ${job.name ?? ''}`,
      hint: t('palette.job'),
      icon: Briefcase,
      act: () => go(`/jobs/${job.uuid}`),
    });
  }
  const chosen = Math.min(at, Math.max(0, commands.length - 1));
  const run = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    command.act();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + commands.length) % Math.max(1, commands.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      run(commands[chosen]);
    }
  };
  return (
    <Dialog label={t('palette.open')} className="palette" onClose={onClose}>
      <input
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={commands.length > 0 ? `${list}-${chosen}` : undefined}
        aria-label={t('palette.placeholder')}
        placeholder={t('palette.placeholder')}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div className="options" id={list} role="listbox" aria-label={t('palette.open')}>
        {commands.map((command, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are heard by the field above, which keeps the focus
          <div
            tabIndex={-1}
            key={command.name}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={() => run(command)}
          >
            <command.icon size={17} aria-hidden />
            <span className="cut">{command.name}</span>
            <span className="quiet small">{command.hint}</span>
          </div>
        ))}
        {commands.length === 0 && (
          <div tabIndex={-1} role="option" aria-selected="false">
            {t('palette.nothing')}
          </div>
        )}
      </div>
    </Dialog>
  );
}
