// Small things that every page is put together from: its head, cards, badges, bars, figures, what stands where nothing is.
import { ArrowLeft, type LucideIcon } from 'lucide-react';
import { type ReactNode, useEffect, useId } from 'react';
import { Link } from '../router.tsx';
import { type Key, t, tell } from '../text/text.ts';

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
