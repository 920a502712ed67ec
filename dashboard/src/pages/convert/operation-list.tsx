// The conversions of this session: those on their way to the server, those that run, those that are done, each with its result.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ArrowRight, Download, Eye, EyeOff, RotateCcw, Square, Trash2, WandSparkles } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useEvents } from '../../api/live.ts';
import {
  askOperation,
  collectOperations,
  deleteOperation,
  isMoving,
  isRetryable,
  nameOf,
  operationPath,
  patchOperation,
  readState,
  refreshOperations,
  saveResult,
  useOperationActs,
  useOperations,
} from '../../api/operations.ts';
import type { Operation, OperationState } from '../../api/types.ts';
import { setQuery, usePlace } from '../../router.tsx';
import { ago, bytes, clock, number, t, tell } from '../../text/text.ts';
import { type BulkAct, BulkHead, type BulkKind, Pick } from '../../ui/bulk-head.tsx';
import { May, useMay } from '../../ui/may.tsx';
import { Bones, Card, Empty, Progress, Status } from '../../ui/parts.tsx';
import { Failure, Problem } from '../../ui/problem.tsx';
import { type Selection, useSelection } from '../../ui/selection.ts';
import { toastError } from '../../ui/toasts.tsx';
import { useSending } from './sending.ts';
import { SendingRow } from './sending-row.tsx';

const Result = lazy(() => import('./result.tsx'));
/** Streams at once: a browser opens six connections to a server, and the page, uploads and pictures need some. */
const STREAMS = 2;
/** Milliseconds between looks at one without a stream; many share a look a second, for the server counts them. */
const LOOK = 3000;
const lookOf = (moving: number): number => Math.max(LOOK, (moving - STREAMS) * 1000);

const isSaved = ({ status, output_file: output }: Operation): boolean => status === 'completed' && output !== null;

const acts = (): BulkAct<Operation>[] => [
  { label: t('convert.download'), icon: Download, fits: isSaved, act: saveResult },
  { label: t('convert.retry'), icon: RotateCcw, fits: isRetryable, act: (one) => askOperation(one, 'retry') },
  {
    label: t('convert.cancel'),
    icon: Square,
    fits: isMoving,
    act: (one) => askOperation(one, 'cancel'),
    sure: t('bulk.sure.cancel'),
  },
  { label: t('act.delete'), icon: Trash2, fits: () => true, act: deleteOperation, sure: t('bulk.sure.delete') },
];
const idOf = ({ id }: Operation): string => id;
const placeOf = ({ id }: Operation): string => `/convert?open=${id}`;
const KIND: BulkKind<Operation> = { acts, nameOf, placeOf };

export function OperationList() {
  const client = useQueryClient();
  const mayWrite = useMay('write');
  const [page, setPage] = useState(1);
  const { items } = useSending();
  const { data, error, refetch } = useOperations(page);
  const open = usePlace().query.get('open');
  const operations = data?.data ?? [];
  const selection = useSelection(operations, idOf);
  // The oldest that moves is the next to be done.
  const moving = operations.filter(isMoving);
  const streamed = moving.slice(-STREAMS).map(({ id }) => id);
  const pages = data?.pagination.total_pages ?? 1;
  return (
    <Card
      title={t('convert.list')}
      side={data && <span className="quiet small">{t('convert.count', { n: data.pagination.total })}</span>}
    >
      {error && (
        <div className="body">
          <Problem error={error} retry={() => void refetch()} />
        </div>
      )}
      {!data && !error && <Bones rows={4} />}
      {data && operations.length === 0 && items.length === 0 && (
        <Empty icon={WandSparkles} title="convert.none" text="convert.none.text" />
      )}
      {mayWrite && (
        <BulkHead
          kind={KIND}
          selection={selection}
          shown={operations}
          collect={pages > 1 ? collectOperations : undefined}
          refresh={() => void refreshOperations(client)}
        />
      )}
      <ul className="list operations" aria-label={t('convert.list')}>
        {items.map((item) => (
          <SendingRow key={item.id} item={item} />
        ))}
        {operations.map((operation) => (
          <OperationRow
            key={operation.id}
            operation={operation}
            look={streamed.includes(operation.id) ? null : lookOf(moving.length)}
            isOpen={open === operation.id}
            onToggle={() => setQuery({ open: open === operation.id ? null : operation.id })}
            selection={mayWrite ? selection : null}
          />
        ))}
      </ul>
      {pages > 1 && (
        <nav className="row between body" aria-label={t('convert.pages')}>
          <button type="button" className="button small" disabled={page <= 1} onClick={() => setPage(page - 1)}>
            {t('convert.newer')}
          </button>
          <span className="small quiet number">
            {page} / {pages}
          </span>
          <button type="button" className="button small" disabled={page >= pages} onClick={() => setPage(page + 1)}>
            {t('convert.older')}
          </button>
        </nav>
      )}
    </Card>
  );
}

type RowProps = {
  operation: Operation;
  /** Milliseconds between two looks; null where a stream tells. */
  look: number | null;
  isOpen: boolean;
  onToggle: () => void;
  selection: Selection<Operation> | null;
};

function OperationRow({ operation, look, isOpen, onToggle, selection }: RowProps) {
  const { id, status, progress, eta_seconds: eta, output_file: output } = operation;
  const { act, remove } = useOperationActs();
  useFollowing(operation, look);
  const name = nameOf(operation);
  return (
    <li data-operation={id} data-state={status} data-picked={selection?.has(operation) || undefined}>
      <div className="row nowrap head">
        {selection && <Pick selection={selection} item={operation} name={output?.file_name ?? name} />}
        <span className="grow">
          <strong className="cut name" title={name}>
            {output?.file_name ?? name}
          </strong>
          <span className="small quiet">
            {tell('operation', operation.operation)} · {ago(operation.created_at)}
          </span>
        </span>
        <Status of={status} />
      </div>
      {isMoving(operation) && (
        <>
          <Progress value={progress} label={t('convert.progress.of', { name })} />
          <span className="small quiet number">
            {status === 'queued' && t('convert.queued')}
            {status === 'pending' && t('convert.paused')}
            {status === 'processing' && `${number(progress)} %`}
            {eta !== null && status === 'processing' && ` · ${t('job.left', { time: clock(eta) })}`}
          </span>
        </>
      )}
      {status === 'completed' && output && <Sizes operation={operation} />}
      {operation.error_message && (
        <p className="small bad-text stack" role="note">
          <Failure of={{ code: operation.error_code ?? '', message: operation.error_message, advice: '' }} />
        </p>
      )}
      <div className="row">
        {status === 'completed' && output && (
          <>
            <button
              type="button"
              className="button small primary"
              onClick={() => void saveResult(operation).catch(toastError)}
            >
              <Download size={14} aria-hidden /> {t('convert.download')}
            </button>
            <button type="button" className="button small" aria-expanded={isOpen} onClick={onToggle}>
              {isOpen ? <EyeOff size={14} aria-hidden /> : <Eye size={14} aria-hidden />} {t('convert.look')}
            </button>
          </>
        )}
        <May scope="write">
          {isMoving(operation) && (
            <button type="button" className="button small" onClick={() => void act(operation, 'cancel')}>
              <Square size={13} aria-hidden /> {t('convert.cancel')}
            </button>
          )}
          {isRetryable(operation) && (
            <button type="button" className="button small" onClick={() => void act(operation, 'retry')}>
              <RotateCcw size={14} aria-hidden /> {t('convert.retry')}
            </button>
          )}
        </May>
        <span className="small quiet expiry">
          {operation.expires_at && !isMoving(operation) && t('convert.expires', { time: ago(operation.expires_at) })}
        </span>
        <May scope="write">
          <button
            type="button"
            className="button plain icon small danger"
            aria-label={t('convert.delete', { name })}
            onClick={() => remove(operation)}
          >
            <Trash2 size={15} aria-hidden />
          </button>
        </May>
      </div>
      {isOpen && output && (
        <Suspense fallback={<Bones rows={3} />}>
          <Result operation={operation} />
        </Suspense>
      )}
    </li>
  );
}

/** Told by its stream where one is free, else looked at now and then. */
function useFollowing(operation: Operation, look: number | null): void {
  const client = useQueryClient();
  const { id } = operation;
  const isOn = isMoving(operation);
  useEvents(isOn && look === null ? `${operationPath(id)}/events/` : null, ({ event, data }) => {
    if (event === 'status' || event === 'progress') patchOperation(client, data as OperationState);
  });
  useQuery({
    queryKey: ['conversion-state', id],
    queryFn: async () => {
      const state = await readState(id);
      patchOperation(client, state);
      return state;
    },
    enabled: isOn && look !== null,
    refetchInterval: look ?? false,
  });
}

/** What it was, what it is, and what that means. */
function Sizes({ operation: { input_file: input, output_file: output } }: { operation: Operation }) {
  const [before, after] = [input?.file_size ?? null, output?.file_size ?? null];
  if (before === null || after === null || before === 0) return null;
  const change = Math.round((after / before - 1) * 100);
  return (
    <span className="row small number sizes">
      <span className="quiet">{bytes(before)}</span>
      <ArrowRight size={13} aria-hidden className="towards" />
      <strong>{bytes(after)}</strong>
      <span className={`badge plain ${change < 0 ? 'good' : ''}`}>
        {change === 0
          ? t('convert.same')
          : t(change < 0 ? 'convert.smaller' : 'convert.larger', { percent: number(Math.abs(change)) })}
      </span>
    </span>
  );
}
