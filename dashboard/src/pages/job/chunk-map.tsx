// Which piece of a job is done, which runs where, which waits.
import type { Job, Task } from '../../api/types.ts';
import { clock, number, t, tell } from '../../text/text.ts';
import { taskName } from './task-name.ts';

const STATES = ['done', 'processing', 'pending', 'failed', 'canceled'] as const;

const sayTask = (task: Task, job: Job): string => {
  const { status, workerId, progress, seconds } = task;
  const parts = [taskName(task, job), tell('status', status)];
  if (status === 'processing') parts.push(`${number(progress)} %`);
  if (workerId && (status === 'processing' || status === 'done')) parts.push(workerId);
  if (seconds) parts.push(clock(seconds));
  return parts.join(' · ');
};

export function ChunkMap({ tasks, job }: { tasks: readonly Task[]; job: Job }) {
  const chunks = tasks.filter(({ kind }) => kind === 'chunk');
  const others = tasks.filter(({ kind }) => kind !== 'chunk');
  const running = tasks.filter(({ status }) => status === 'processing');
  return (
    <div className="chunks">
      {chunks.length > 0 && (
        <ol aria-label={t('chunks.title')}>
          {chunks.map((task) => (
            <Piece key={task.id} said={sayTask(task, job)} task={task} text={String(task.index + 1)} />
          ))}
        </ol>
      )}
      {others.length > 0 && (
        <ol aria-label={t('chunks.others')}>
          {others.map((task) => (
            <Piece key={task.id} said={sayTask(task, job)} task={task} text={taskName(task, job)} isWide />
          ))}
        </ol>
      )}
      <p className="legend" aria-hidden>
        {STATES.filter((state) => tasks.some(({ status }) => status === state)).map((state) => (
          <span key={state} className="state">
            <i className={`chunk ${state}`} /> {tell('status', state)}
          </span>
        ))}
      </p>
      <p className="legend">
        <span>
          {t('chunks.done', { done: tasks.filter(({ status }) => status === 'done').length, all: tasks.length })}
        </span>
        {running.map((task) => (
          <span key={task.id}>
            {taskName(task, job)}: {task.workerId}
            {task.speed ? ` · ${t('job.speed', { speed: task.speed })}` : ''}
          </span>
        ))}
      </p>
      {tasks.some(({ attempt }) => attempt > 1) && (
        <p className="small quiet">{t('chunks.again', { n: tasks.filter(({ attempt }) => attempt > 1).length })}</p>
      )}
    </div>
  );
}

type PieceProps = { task: Task; text: string; said: string; isWide?: boolean };
function Piece({ task, text, said, isWide = false }: PieceProps) {
  return (
    <li className={`chunk ${task.status} ${isWide ? 'wide' : ''}`} title={said}>
      {task.status === 'processing' && <i style={{ inlineSize: `${task.progress}%` }} />}
      <span aria-hidden>{text}</span>
      <span className="unseen">{said}</span>
    </li>
  );
}
