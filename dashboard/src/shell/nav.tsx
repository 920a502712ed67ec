// Where one can go: at the side where there is room, at the bottom on phones, where the rest hides behind "More".
import {
  Activity,
  BookOpen,
  Briefcase,
  Film,
  Gauge,
  House,
  type LucideIcon,
  Menu,
  Radio,
  Search,
  Settings,
  WandSparkles,
} from 'lucide-react';
import { useState } from 'react';
import { isGoing, useUploads } from '../pages/videos/uploads.ts';
import { Link, usePlace } from '../router.tsx';
import { type Key, number, t } from '../text/text.ts';
import { Dialog } from '../ui/dialog.tsx';

export type Target = { to: string; label: Key; icon: LucideIcon; shortcut: string; api?: string };
export const TARGETS: readonly Target[] = [
  { to: '/', label: 'nav.home', icon: House, shortcut: 'h' },
  { to: '/videos', label: 'nav.videos', icon: Film, shortcut: 'v', api: 'videos' },
  { to: '/jobs', label: 'nav.jobs', icon: Briefcase, shortcut: 'j', api: 'jobs' },
  { to: '/convert', label: 'nav.convert', icon: WandSparkles, shortcut: 'c', api: 'operations' },
  { to: '/channels', label: 'nav.channels', icon: Radio, shortcut: 'l', api: 'channels' },
  { to: '/machines', label: 'nav.machines', icon: Gauge, shortcut: 'm' },
  { to: '/settings', label: 'nav.settings', icon: Settings, shortcut: 's' },
];
const IS_MAC = /mac|iphone|ipad/i.test(navigator.platform);
const ON_PHONES = ['/', '/videos', '/jobs', '/convert'];

const isHere = (to: string, path: string): boolean =>
  to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);

/** Whether this server has the API that a page lives by. */
export const isServed = (path: string, targets: readonly Target[]): boolean =>
  targets.some(({ to }) => isHere(to, path)) || !TARGETS.some(({ to }) => isHere(to, path));

function NavLink({
  target: { to, label, icon: Icon },
  running,
  onGo,
}: {
  target: Target;
  running?: number;
  onGo?: () => void;
}) {
  const uploads = useUploads().filter(isGoing).length;
  const { path } = usePlace();
  // Uploads go on whatever page is looked at.
  const [count, unit] =
    to === '/videos' ? [uploads, t('nav.uploading')] : to === '/jobs' ? [running ?? 0, t('nav.running')] : [0, ''];
  return (
    <Link
      className="nav-link"
      to={to}
      aria-current={isHere(to, path) ? 'page' : undefined}
      {...(onGo ? { onFollow: onGo } : {})}
    >
      <Icon size={18} aria-hidden />
      {t(label)}
      {count > 0 && (
        <span className="count">
          {number(count)}
          <span className="unseen"> {unit}</span>
        </span>
      )}
    </Link>
  );
}

type NavProps = { targets: readonly Target[]; running: number; onPalette: () => void; onHelp: () => void };

export function Brand() {
  return (
    <Link className="brand" to="/">
      <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="9" fill="currentColor" />
        <path d="M9 21V11l9 5zM20 21V11l4 2.5v5z" fill="var(--on-accent)" />
      </svg>
      Rendition
    </Link>
  );
}

/** Another document of the same server. */
function DocsLink() {
  return (
    <a className="nav-link" href="/docs">
      <BookOpen size={18} aria-hidden /> {t('palette.docs')}
    </a>
  );
}

export function Side({ targets, running, onPalette, onHelp }: NavProps) {
  return (
    <header className="side">
      <Brand />
      <nav aria-label={t('nav.label')}>
        {targets.map((target) => (
          <NavLink key={target.to} target={target} running={running} />
        ))}
      </nav>
      <div className="below">
        <DocsLink />
        <button type="button" className="nav-link" onClick={onPalette}>
          <Search size={18} aria-hidden /> {t('palette.open')} <kbd>{IS_MAC ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        <button type="button" className="nav-link" onClick={onHelp}>
          <Activity size={18} aria-hidden /> {t('help.title')} <kbd>?</kbd>
        </button>
      </div>
    </header>
  );
}

export function Bar({ targets, running, onPalette }: NavProps) {
  const [open, setOpen] = useState(false);
  const first = targets.filter(({ to }) => ON_PHONES.includes(to));
  const rest = targets.filter(({ to }) => !ON_PHONES.includes(to));
  return (
    <nav className="bar" aria-label={t('nav.label')}>
      {first.map((target) => (
        <NavLink key={target.to} target={target} running={running} />
      ))}
      <button type="button" className="nav-link" aria-expanded={open} onClick={() => setOpen(true)}>
        <Menu size={18} aria-hidden /> {t('nav.more')}
      </button>
      {open && (
        <Dialog label={t('nav.more')} className="drawer" onClose={() => setOpen(false)}>
          <div className="inside stack">
            {rest.map((target) => (
              <NavLink key={target.to} target={target} onGo={() => setOpen(false)} />
            ))}
            <button
              type="button"
              className="nav-link"
              onClick={() => {
                setOpen(false);
                onPalette();
              }}
            >
              <Search size={18} aria-hidden /> {t('palette.open')}
            </button>
            <DocsLink />
          </div>
        </Dialog>
      )}
    </nav>
  );
}
