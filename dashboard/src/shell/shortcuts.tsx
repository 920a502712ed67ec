// Keys that work everywhere: g and a letter goes to a page, / to the search, ? shows them all.
import { useEffect, useRef } from 'react';
import { go } from '../router.tsx';
import { t } from '../text/text.ts';
import { Dialog } from '../ui/dialog.tsx';
import { isTyping } from '../ui/typing.ts';
import type { Target } from './nav.tsx';

const STORE = 'rendition-shortcuts';
/** Who speaks to the machine says letters that were meant for nobody: WCAG 2.1.4 wants them to be turned off. */
export const hasShortcuts = (): boolean => localStorage.getItem(STORE) !== 'off';
export const setShortcuts = (isOn: boolean): void => localStorage.setItem(STORE, isOn ? 'on' : 'off');

type Heard = {
  /** Pages that this server serves. */
  targets: readonly Target[];
  mayWrite: boolean;
  onPalette: () => void;
  onHelp: () => void;
};

/** Only what is there, and what the key may do. */
const maySubmit = ({ targets, mayWrite }: Pick<Heard, 'targets' | 'mayWrite'>): boolean =>
  mayWrite && targets.some(({ to }) => to === '/jobs');

export function useShortcuts(heard: Heard): void {
  const since = useRef(0);
  const now = useRef(heard);
  now.current = heard;
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
      const { targets, onPalette, onHelp } = now.current;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        onPalette();
        return;
      }
      if (!hasShortcuts()) return;
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector('dialog[open]')
      )
        return;
      const target = targets.find(({ shortcut }) => shortcut === event.key);
      if (Date.now() - since.current < 1200 && target) go(target.to);
      else if (event.key === '?') onHelp();
      else if (event.key === 'n' && maySubmit(now.current)) go('/jobs/new');
      else if (event.key === '/') {
        const box = document.querySelector<HTMLInputElement>('[data-search]');
        if (box) event.preventDefault();
        box?.focus();
      }
      since.current = event.key === 'g' ? Date.now() : 0;
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, []);
}

type HelpProps = Pick<Heard, 'targets' | 'mayWrite'> & { onClose: () => void };
export function Help({ targets, mayWrite, onClose }: HelpProps) {
  const rows: [string[], string][] = [
    [['Ctrl', 'K'], t('palette.open')],
    [['/'], t('help.search')],
    [['Ctrl', 'Z'], t('act.undo')],
    ...(maySubmit({ targets, mayWrite }) ? [[['n'], t('jobs.new')] as [string[], string]] : []),
    [['?'], t('help.title')],
    ...targets.map(({ shortcut, label }): [string[], string] => [['g', shortcut], t(label)]),
  ];
  return (
    <Dialog label={t('help.title')} onClose={onClose}>
      <div className="inside">
        <h2>{t('help.title')}</h2>
        <dl className="facts">
          {rows.map(([keys, text]) => (
            <div key={text} style={{ display: 'contents' }}>
              <dt>
                {keys.map((one) => (
                  <kbd key={one} style={{ marginInlineEnd: 4 }}>
                    {one}
                  </kbd>
                ))}
              </dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog" className="row">
          <button type="submit" className="button">
            {t('act.close')}
          </button>
        </form>
      </div>
    </Dialog>
  );
}
