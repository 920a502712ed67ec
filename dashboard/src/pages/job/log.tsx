// What FFmpeg was told and what it said: searched, and followed to its end.
import { Download } from 'lucide-react';
import { type UIEvent, useEffect, useRef, useState } from 'react';
import { openFile } from '../../api/http.ts';
import { second, t } from '../../text/text.ts';
import { Card } from '../../ui/parts.tsx';
import { toastError } from '../../ui/toasts.tsx';

export type LogLine = { at: string; task: string; line: string };
/** Lines drawn at once: the last of those that fit. */
const DRAWN = 1500;
/** Pixels from the end within which it is being followed: who scrolls back reads, who returns follows again. */
const AT_END = 24;

export function Log({ lines, href }: { lines: readonly LogLine[]; href: string }) {
  const [wanted, setWanted] = useState('');
  const [follows, setFollows] = useState(true);
  const box = useRef<HTMLPreElement>(null);
  const needle = wanted.trim().toLowerCase();
  const found =
    needle === '' ? lines : lines.filter(({ task, line }) => `${task} ${line}`.toLowerCase().includes(needle));
  const drawn = found.slice(-DRAWN);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new line is a reason
  useEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [drawn.length, lines, follows]);
  const onScroll = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: UIEvent<HTMLElement>) =>
    setFollows(scrollHeight - scrollTop - clientHeight < AT_END);
  const save = async () => {
    const link = document.createElement('a');
    link.href = await openFile(href);
    link.download = 'job.log';
    link.click();
  };
  return (
    <Card
      title={t('job.tab.log')}
      side={
        <>
          <input
            className="input"
            style={{ inlineSize: '12rem' }}
            type="search"
            aria-label={t('log.search')}
            placeholder={t('log.search')}
            value={wanted}
            onChange={({ target }) => setWanted(target.value)}
          />
          <label className="check">
            <input type="checkbox" checked={follows} onChange={({ target }) => setFollows(target.checked)} />
            {t('log.follow')}
          </label>
          <button type="button" className="button small" onClick={() => void save().catch(toastError)}>
            <Download size={14} aria-hidden /> {t('log.save')}
          </button>
        </>
      }
    >
      <pre
        className="log"
        role="log"
        // Read when it is wanted: hundreds of lines of an encoder are not to be read out as they come.
        aria-live="off"
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard
        tabIndex={0}
        onScroll={onScroll}
        aria-label={t('job.tab.log')}
      >
        {drawn.length === 0
          ? t(lines.length === 0 ? 'log.empty' : 'log.nothing')
          : drawn.map(({ at, task, line }, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name of their own
              <div key={i}>
                <span className="at">
                  {at !== '' && second(at)} {task}
                </span>{' '}
                {needle === '' ? line : mark(line, needle)}
              </div>
            ))}
      </pre>
    </Card>
  );
}

function mark(line: string, needle: string) {
  const at = line.toLowerCase().indexOf(needle);
  if (at < 0) return line;
  return (
    <>
      {line.slice(0, at)}
      <mark>{line.slice(at, at + needle.length)}</mark>
      {line.slice(at + needle.length)}
    </>
  );
}
