// Every try of every piece of a job, newest first: when, how long, on which worker, what came of it and why.
import { useInfiniteQuery } from '@tanstack/react-query';
import { History } from 'lucide-react';
import { useState } from 'react';
import { blocking, read } from '../../api/http.ts';
import type { Attempt, Job } from '../../api/types.ts';
import { clock, moment, second, t, tell } from '../../text/text.ts';
import { SegmentedControl } from '../../ui/field.tsx';
import { Bones, Card, Empty } from '../../ui/parts.tsx';
import { Problem, reason } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';
import { taskName } from './task-name.ts';

const PAGE = 100;
const LOOK = 2500;
const TONES: Readonly<Record<Attempt['outcome'], string>> = {
  running: 'info',
  done: 'good',
  failed: 'bad',
  lost: 'wait',
  returned: '',
  canceled: '',
};
const SHOWN = ['all', 'failed'] as const;

export function Attempts({ job }: { job: Job }) {
  const [shown, setShown] = useState<(typeof SHOWN)[number]>('all');
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ['job', job.uuid, 'attempts', shown],
    queryFn: ({ pageParam }) =>
      read(
        'GET /jobs/{id}/attempts',
        { id: job.uuid },
        { limit: PAGE, cursor: pageParam, outcome: shown === 'all' ? undefined : shown },
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.nextCursor,
    refetchInterval: job.status === 'processing' ? LOOK : false,
  });
  const attempts = data?.pages.flatMap((page) => page.attempts) ?? [];
  return (
    <Card
      title={t('job.tab.attempts')}
      side={
        <SegmentedControl
          label={t('attempts.filter')}
          value={shown}
          options={SHOWN.map((name) => [name, t(`attempts.${name}`)] as const)}
          onChange={setShown}
        />
      }
    >
      {blocking({ data, error }) ? (
        <div className="body">
          <Problem error={error} retry={() => void refetch()} />
        </div>
      ) : !data ? (
        <Bones />
      ) : attempts.length === 0 ? (
        shown === 'failed' ? (
          <p className="body quiet">{t('attempts.nofailed')}</p>
        ) : (
          <Empty icon={History} title="attempts.empty.title" text="attempts.empty.text" />
        )
      ) : (
        <>
          <AttemptTable attempts={attempts} job={job} />
          {hasNextPage && (
            <div className="body">
              <button
                type="button"
                className="button small"
                disabled={isFetchingNextPage}
                onClick={() => void fetchNextPage()}
              >
                {t('attempts.more')}
              </button>
            </div>
          )}
        </>
      )}
    </Card>
  );
}

function AttemptTable({ attempts, job }: { attempts: readonly Attempt[]; job: Job }) {
  return (
    <Table
      className="attempts stacks"
      columns={[
        'attempts.what',
        'attempts.outcome',
        { name: 'attempts.try', className: 'number' },
        { name: 'attempts.took', className: 'number' },
        'attempts.started',
        'attempts.worker',
      ]}
    >
      {attempts.map((one) => (
        <tr key={one.id}>
          <th scope="row">
            {taskName(one, job)}
            {one.error && (
              <div className="small bad-text">
                {reason(one.error.code, one.error.message)} <code className="quiet">{one.error.code}</code>
              </div>
            )}
          </th>
          <td>
            <span className={`badge ${TONES[one.outcome]}`}>{tell('outcome', one.outcome)}</span>
          </td>
          <td className="number">{one.attempt}</td>
          <td className="number">{one.seconds === null ? '–' : took(one.seconds)}</td>
          <td className="small quiet one-line" title={moment(one.startedAt)}>
            {second(one.startedAt)}
          </td>
          <td className="small quiet one-line">
            <code>{one.workerId ?? '–'}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** Most are shorter than a minute: then tenths of a second say more. */
const took = (seconds: number): string =>
  seconds < 60 ? t('seconds', { n: Number(seconds.toFixed(1)) }) : clock(seconds);
