// Small things that every page is put together from.
import { AlertTriangle, ArrowLeft, Check, Copy, type LucideIcon, Search } from 'lucide-react';
import { type CSSProperties, type ReactNode, useEffect, useId, useState } from 'react';
import { ApiError } from '../api/http.ts';
import { Link } from '../router.tsx';
import { type Key, t, tell, told } from '../text/text.ts';

const TONES: Readonly<Record<string, string>> = {
  completed: 'good',
  ready: 'good',
  uploaded: 'good',
  delivered: 'good',
  done: 'good',
  ok: 'good',
  running: 'good',
  processing: 'info',
  uploading: 'info',
  draining: 'wait',
  retrying: 'wait',
  paused: 'wait',
  stopped: '',
  failed: 'bad',
  error: 'bad',
  disabled: 'bad',
};

export function Status({ of }: { of: string }) {
  return <span className={`badge ${TONES[of] ?? ''}`}>{tell('status', of)}</span>;
}

export function Progress({ value, label }: { value: number; label: string }) {
  return <progress className="progress" value={value} max={100} aria-label={label} />;
}

export type Failed = { code: string; message: string; advice: string };

/** What failed: in the reader's words where there are some, then the server's own, then what to do about it. */
export function Failure({ of: { code, message, advice } }: { of: Failed }) {
  const name = told('failure', code);
  return (
    <>
      <strong lang={name === null && code !== '' ? 'en' : undefined}>{name ?? message}</strong>
      {name !== null && <span lang="en">{message}</span>}
      {advice !== '' && <span>{told('advice', code) ?? advice}</span>}
    </>
  );
}

/** Why it stands still, in one line: in the reader's words where there are some, else in the server's own. */
export const reason = (code: string | null, message: string): string => told('failure', code ?? '') ?? message;

/** What went wrong, and what to do about it. */
export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  const { code = '', advice = '' } = known ?? {};
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="notice bad" role="alert">
      <AlertTriangle size={18} aria-hidden />
      <div>
        {code === 'unreachable' ? (
          <>
            <strong>{message}</strong>
            <span>{t('error.unreachable')}</span>
          </>
        ) : (
          <Failure of={{ code, message, advice }} />
        )}
        {known?.fields.map(({ path, message }) => (
          <span key={path + message}>
            <code>{path}</code> {message}
          </span>
        ))}
        {/* What is not there will not come by asking again. */}
        {retry && known?.status !== 404 && (
          <span>
            <button type="button" className="button small" onClick={retry}>
              {t('act.again')}
            </button>
          </span>
        )}
      </div>
    </div>
  );
}

export function Empty({
  icon: Icon,
  title,
  text,
  children,
}: {
  icon: LucideIcon;
  title: Key;
  text: Key;
  children?: ReactNode;
}) {
  return (
    <div className="empty">
      <Icon className="empty-icon" size={26} aria-hidden />
      <h2>{t(title)}</h2>
      <p>{t(text)}</p>
      {children && <div className="row">{children}</div>}
    </div>
  );
}

/** Stands where something will be; readers are told once. */
export function Bones({ rows = 3, height = 1.2 }: { rows?: number; height?: number }) {
  return (
    <div className="stack card padded" aria-busy="true">
      <span className="unseen" role="status">
        {t('loading')}
      </span>
      {Array.from({ length: rows }, (_, row) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move
          key={row}
          className="bone"
          style={{ blockSize: `${height}rem`, inlineSize: `${100 - ((row * 17) % 45)}%` }}
        />
      ))}
    </div>
  );
}

type HeadProps = { title: string; about?: ReactNode; back?: { to: string; label: string }; children?: ReactNode };
export function PageHead({ title, about, back, children }: HeadProps) {
  useEffect(() => {
    document.title = `${title} · Rendition`;
  }, [title]);
  return (
    <header className="page-head">
      <div className="title">
        {back && (
          <Link className="crumb" to={back.to}>
            <ArrowLeft size={15} aria-hidden /> {back.label}
          </Link>
        )}
        <h1>{title}</h1>
        {about && <p>{about}</p>}
      </div>
      {children && <div className="row">{children}</div>}
    </header>
  );
}

export function Card({ title, side, children }: { title: ReactNode; side?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {side && <div className="row">{side}</div>}
      </header>
      {children}
    </section>
  );
}

/** Tables that are wider than a phone; what scrolls can be reached by keyboard. */
function Scroll({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: without it nobody could scroll by keyboard
    <div className="scroll" tabIndex={0}>
      {children}
    </div>
  );
}

/** A heading: its text, how the cells below are set, and whether only readers hear it. */
export type Column = Key | { name: Key; className?: string; isUnseen?: boolean };

/** Rows under their headings. */
export function Table({
  columns,
  className,
  children,
}: {
  columns: readonly Column[];
  /** `compact` stays a table on phones, for figures; others become a card a row. */
  className?: string;
  children: ReactNode;
}) {
  const names = columns.map((column, i) => {
    const { name, isUnseen = false } = typeof column === 'string' ? { name: column } : column;
    return [`--column-${i + 1}`, isUnseen ? '""' : JSON.stringify(t(name))];
  });
  return (
    <Scroll>
      <table className={className ?? 'stacks'} style={Object.fromEntries(names) as CSSProperties}>
        <thead>
          <tr>
            {columns.map((column) => {
              const { name, className: cells, isUnseen } = typeof column === 'string' ? { name: column } : column;
              return (
                <th key={name} scope="col" className={cells}>
                  {isUnseen ? <span className="unseen">{t(name)}</span> : t(name)}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Scroll>
  );
}

type FieldProps = {
  label: string;
  /** Its name in the API, beside the label. */
  code?: string;
  hint?: ReactNode;
  wrong?: string | undefined;
  children: (id: string, described: string | undefined) => ReactNode;
};
export function Field({ label, code, hint, wrong, children }: FieldProps) {
  const id = useId();
  const described = hint || wrong ? `${id}-hint` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {code !== undefined && code !== label && <code>{code}</code>}
      </label>
      {children(id, described)}
      {(hint || wrong) && (
        <span id={described} className={wrong ? 'wrong' : 'hint'}>
          {wrong ?? hint}
        </span>
      )}
    </div>
  );
}

type SegmentsProps<T extends string> = {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
};
export function Segments<T extends string>({ label, value, options, onChange }: SegmentsProps<T>) {
  return (
    <fieldset className="segments" aria-label={label}>
      {options.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** Tells what was typed when typing rests. */
export function SearchBox({
  value,
  label,
  onSearch,
}: {
  value: string;
  label: string;
  onSearch: (text: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text), 250);
    return () => clearTimeout(timer);
  }, [text, value, onSearch]);
  return (
    <div className="search">
      <Search size={16} aria-hidden />
      <input
        className="input"
        type="search"
        data-search
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
    </div>
  );
}

export function CopyButton({ text, label = t('act.copy') }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1500);
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

export function Stat({ label, value, to }: { label: string; value: ReactNode; to?: string }) {
  const inside = (
    <>
      <span className="label">{label}</span>
      <span className="value">{value}</span>
    </>
  );
  return to ? (
    <Link className="card stat" to={to}>
      {inside}
    </Link>
  ) : (
    <div className="card stat">{inside}</div>
  );
}
