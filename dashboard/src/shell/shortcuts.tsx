// Keys that work everywhere: g and a letter goes to a page, / to the search, ? shows them all.
import { useEffect, useRef } from 'react';
import { go } from '../router.tsx';
import { t } from '../text/text.ts';
import { Dialog } from '../ui/dialog.tsx';
import { TARGETS } from './nav.tsx';

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const STORE = 'rendition-shortcuts';
/** Who speaks to the machine says letters that were meant for nobody: WCAG 2.1.4 wants them to be turned off. */
export const hasShortcuts = (): boolean => localStorage.getItem(STORE) !== 'off';
export const setShortcuts = (isOn: boolean): void => localStorage.setItem(STORE, isOn ? 'on' : 'off');

type Heard = { onPalette: () => void; onHelp: () => void };

export function useShortcuts({ onPalette, onHelp }: Heard): void {
  const since = useRef(0);
  useEffect(() => {
    const hear = (event: KeyboardEvent) => {
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
      const target = TARGETS.find(({ shortcut }) => shortcut === event.key);
      if (Date.now() - since.current < 1200 && target) go(target.to);
      else if (event.key === '?') onHelp();
      else if (event.key === 'n') go('/jobs/new');
      else if (event.key === '/') {
        const box = document.querySelector<HTMLInputElement>('[data-search]');
        if (box) event.preventDefault();
        box?.focus();
      }
      since.current = event.key === 'g' ? Date.now() : 0;
    };
    addEventListener('keydown', hear);
    return () => removeEventListener('keydown', hear);
  }, [onPalette, onHelp]);
}

export function Help({ onClose }: { onClose: () => void }) {
  const rows: [string[], string][] = [
    [['Ctrl', 'K'], t('palette.open')],
    [['/'], t('help.search')],
    [['n'], t('jobs.new')],
    [['?'], t('help.title')],
    ...TARGETS.map(({ shortcut, label }): [string[], string] => [['g', shortcut], t(label)]),
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
