// Text to be copied: a line of a shell, an address, a key.
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { t } from '../text/text.ts';

/** How long the button says that it has copied. */
const DONE_MS = 1500;

export function CopyButton({ text, label = t('act.copy') }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), DONE_MS);
    return () => clearTimeout(timer);
  }, [done]);
  const Icon = done ? Check : Copy;
  return (
    <button
      type="button"
      className="button small"
      onClick={() => {
        // Without TLS browsers give pages no clipboard: then the old way.
        const copied = navigator.clipboard ? navigator.clipboard.writeText(text) : copyOldWay(text);
        void copied.then(() => setDone(true));
      }}
    >
      <Icon size={14} aria-hidden /> {done ? t('act.copied') : label}
    </button>
  );
}

async function copyOldWay(text: string): Promise<void> {
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}

export function Code({ text, label }: { text: string; label: string }) {
  return (
    <figure className="code" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </figure>
  );
}
