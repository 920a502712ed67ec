// The head of a list that can be selected in: all or none, what can be done with the selected, how far it is, and what came of it.
import { AlertTriangle, CircleCheck, type LucideIcon, X } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/http.ts';
import { actOnAll, type Miss } from '../api/in-bulk.ts';
import { Link } from '../router.tsx';
import { number, t, told } from '../text/text.ts';
import { Dialog } from './dialog.tsx';
import { Progress } from './parts.tsx';
import type { Selection } from './selection.ts';
import { toast, toastError } from './toasts.tsx';

export type BulkAct<T> = {
  /** Its word, as on the page of one. */
  label: string;
  icon: LucideIcon;
  /** To which of the selected it can be done. */
  fits: (item: T) => boolean;
  act: (item: T) => Promise<unknown>;
  /** What is asked before, where it cannot simply be taken back. */
  sure?: string;
};

/** What is listed: what can be done with it, and how it is told of. */
export type BulkKind<T> = {
  /** In the words of the language of now. */
  acts: () => readonly BulkAct<T>[];
  /** `#12`, or its title. */
  nameOf: (item: T) => string;
  placeOf: (item: T) => string;
};

type BulkHeadProps<T> = {
  kind: BulkKind<T>;
  selection: Selection<T>;
  shown: readonly T[];
  /** All that fit the filter, where the list shows not all of them. */
  collect?: (() => Promise<readonly T[]>) | undefined;
  /** Brings the lists anew. */
  refresh: () => void;
  /** Headings of the columns, while nothing is selected; without them it is a line of its own. */
  children?: ReactNode;
};

type Run = { label: string; done: number; total: number; stop: () => void };
type Outcome<T> = { label: string; done: number; left: number; missed: readonly Miss<T>[] };

export function BulkHead<T>(props: BulkHeadProps<T>) {
  const { kind, selection, shown, collect, refresh, children } = props;
  const [run, setRun] = useState<Run | null>(null);
  const [asked, setAsked] = useState<BulkAct<T> | null>(null);
  const [outcome, setOutcome] = useState<Outcome<T> | null>(null);
  const [collecting, setCollecting] = useState(false);
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  const { items } = selection;
  const begin = async (one: BulkAct<T>) => {
    const meant = items.filter(one.fits);
    const control = new AbortController();
    const state = { label: one.label, total: meant.length, stop: () => control.abort() };
    setAsked(null);
    setOutcome(null);
    setRun({ ...state, done: 0 });
    const onDone = (done: number) => setRun({ ...state, done });
    const { done, missed } = await actOnAll(meant, one.act, { signal: control.signal, onDone });
    const result = { label: one.label, done: done.length, missed, left: meant.length - done.length - missed.length };
    // Whoever went to another page meanwhile is told there.
    if (!isHere.current) toast(sayResult(result), { isBad: missed.length > 0 });
    setRun(null);
    setOutcome(result);
    const gone = new Set(done);
    // What it was not done to stays selected: for another try.
    selection.set(items.filter((item) => one.fits(item) && !gone.has(item)));
    refresh();
  };
  const selectEvery = async () => {
    if (!collect) return;
    setCollecting(true);
    await collect().then(selection.set, toastError);
    setCollecting(false);
  };
  const isActive = items.length > 0 || run !== null;
  const isAll = shown.length > 0 && shown.every(selection.has);
  return (
    <>
      {(isActive || shown.length > 0) && (
        <div className={`bulk-head ${children === undefined ? 'lone' : ''}`} data-selected={isActive || undefined}>
          <label className="pick">
            <input
              type="checkbox"
              aria-label={t('bulk.all')}
              disabled={run !== null || shown.length === 0}
              checked={isAll}
              ref={(box) => {
                if (box) box.indeterminate = !isAll && items.length > 0;
              }}
              onChange={() => selection.set(isAll || items.length > 0 ? [] : shown)}
            />
          </label>
          {run ? (
            <Going run={run} />
          ) : items.length > 0 ? (
            <div className="bulk-acts">
              <strong className="number">{t('bulk.picked', { n: items.length })}</strong>
              {collect && items.length === shown.length && (
                <button
                  type="button"
                  className="button small plain"
                  disabled={collecting}
                  onClick={() => void selectEvery()}
                >
                  {t('bulk.every')}
                </button>
              )}
              {kind.acts().map((one) => (
                <ActButton
                  key={one.label}
                  act={one}
                  count={items.filter(one.fits).length}
                  onAct={() => (one.sure === undefined ? void begin(one) : setAsked(one))}
                />
              ))}
            </div>
          ) : (
            (children ?? <span>{t('bulk.all')}</span>)
          )}
        </div>
      )}
      <span className="unseen" role="status">
        {run === null && items.length > 0 ? t('bulk.picked', { n: items.length }) : ''}
      </span>
      {outcome && <Result outcome={outcome} kind={kind} onClose={() => setOutcome(null)} />}
      {asked && (
        <Dialog label={asked.label} onClose={() => setAsked(null)}>
          <div className="inside">
            <h2>
              {asked.label}: {number(items.filter(asked.fits).length)}
            </h2>
            <p>{asked.sure}</p>
            <div className="row">
              <button type="button" className="button danger" onClick={() => void begin(asked)}>
                {asked.label}
              </button>
              <button type="button" className="button" onClick={() => setAsked(null)}>
                {t('act.back')}
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}

type ActButtonProps = {
  act: { label: string; icon: LucideIcon; sure?: string };
  count: number;
  onAct: () => void;
};
function ActButton({ act: { label, icon: Icon, sure }, count, onAct }: ActButtonProps) {
  if (count === 0) return null;
  return (
    <button type="button" className={`button small ${sure === undefined ? '' : 'danger'}`} onClick={onAct}>
      <Icon size={14} aria-hidden /> {label} <span className="number">{number(count)}</span>
    </button>
  );
}

function Going({ run: { label, done, total, stop } }: { run: Run }) {
  const text = t('bulk.going', { done, total });
  return (
    <div className="bulk-acts">
      <span className="grow">
        <Progress value={(done / Math.max(1, total)) * 100} label={`${label}: ${text}`} />
      </span>
      <span className="small number">{text}</span>
      <button type="button" className="button small" onClick={stop}>
        {t('bulk.stop')}
      </button>
    </div>
  );
}

/** `Retry: 10 done, 1 not.` */
function sayResult({ label, done, left, missed }: Outcome<unknown>): string {
  const parts = [
    t('bulk.done', { n: done }),
    ...(missed.length > 0 ? [t('bulk.missed', { n: missed.length })] : []),
    ...(left > 0 ? [t('bulk.left', { n: left })] : []),
  ];
  return `${label}: ${parts.join(', ')}.`;
}

/** Names shown of those that share a reason. */
const MOST_NAMES = 12;

type ResultProps<T> = { outcome: Outcome<T>; kind: BulkKind<T>; onClose: () => void };
function Result<T>({ outcome, kind: { nameOf, placeOf }, onClose }: ResultProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  // The button that was pressed is gone: readers go on here, and hear it.
  useEffect(() => box.current?.focus(), []);
  const { missed } = outcome;
  const Icon = missed.length > 0 ? AlertTriangle : CircleCheck;
  return (
    <div className={`notice bulk-result ${missed.length > 0 ? 'bad' : ''}`} ref={box} tabIndex={-1} role="status">
      <Icon size={18} aria-hidden />
      <div>
        <strong>{sayResult(outcome)}</strong>
        {[...Map.groupBy(missed, ({ error }) => reasonOf(error))].map(([reason, group]) => (
          <span key={reason}>
            {reason}{' '}
            {group.slice(0, MOST_NAMES).map(({ item }, i) => (
              <span key={placeOf(item)}>
                {i > 0 && ', '}
                <Link to={placeOf(item)}>{nameOf(item)}</Link>
              </span>
            ))}
            {group.length > MOST_NAMES && ` ${t('list.more', { n: group.length - MOST_NAMES })}`}
          </span>
        ))}
      </div>
      <button type="button" className="button plain icon small" aria-label={t('act.close')} onClick={onClose}>
        <X size={15} aria-hidden />
      </button>
    </div>
  );
}

/** By its code, so that a hundred of one kind are one line: messages name the thing itself. */
function reasonOf(error: unknown): string {
  const name = error instanceof ApiError && error.code !== 'unreachable' ? told('failure', error.code) : null;
  if (name !== null) return `${name}:`;
  return error instanceof Error ? error.message : String(error);
}

type PickProps<T> = { selection: Selection<T>; item: T; name: string };
export function Pick<T>({ selection, item, name }: PickProps<T>) {
  return (
    <label className="pick">
      <input
        type="checkbox"
        aria-label={t('bulk.pick', { name })}
        checked={selection.has(item)}
        // The click knows of the shift key, the change does not; by keyboard the space key is a click as well.
        onClick={({ currentTarget, shiftKey }) => selection.pick(item, currentTarget.checked, shiftKey)}
        onChange={() => undefined}
      />
    </label>
  );
}
