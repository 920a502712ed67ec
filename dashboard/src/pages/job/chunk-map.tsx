// Which piece of a job is done, which runs where, which waits.
import type { Task } from '../../api/types.ts';
import { clock, number, t, tell } from '../../text/text.ts';

const sayTask = ({ kind, index, status, workerId, progress, seconds }: Task): string => {
  const name = kind === 'chunk' ? t('chunks.chunk', { n: index + 1 }) : tell('task', kind);
  const parts = [name, tell('status', status)];
  if (status === 'processing') parts.push(`${number(progress)} %`);
  if (workerId && (status === 'processing' || status === 'done')) parts.push(workerId);
  if (seconds) parts.push(clock(seconds));
  return parts.join(' · ');
};

export function ChunkMap({ tasks }: { tasks: readonly Task[] }) {
  const chunks = tasks.filter(({ kind }) => kind === 'chunk');
  const others = tasks.filter(({ kind }) => kind !== 'chunk');
  const running = tasks.filter(({ status }) => status === 'processing');
  return (
    <div className="chunks">
      {chunks.length > 0 && (
        <ol aria-label={t('chunks.title')}>
          {chunks.map((task) => (
            <Piece key={task.id} task={task} text={String(task.index + 1)} />
          ))}
        </ol>
      )}
      {others.length > 0 && (
        <ol aria-label={t('chunks.others')}>
          {others.map((task) => (
            <Piece key={task.id} task={task} text={tell('task', task.kind)} isWide />
          ))}
        </ol>
      )}
      <p className="legend" role="status">
        <span>
          {t('chunks.done', { done: tasks.filter(({ status }) => status === 'done').length, all: tasks.length })}
        </span>
        {running.map((task) => (
          <span key={task.id}>
            {task.kind === 'chunk' ? t('chunks.chunk', { n: task.index + 1 }) : tell('task', task.kind)}:{' '}
            {task.workerId}
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

function Piece({ task, text, isWide = false }: { task: Task; text: string; isWide?: boolean }) {
  return (
    <li className={`chunk ${task.status} ${isWide ? 'wide' : ''}`} title={sayTask(task)}>
      {task.status === 'processing' && <i style={{ inlineSize: `${task.progress}%` }} />}
      <span aria-hidden>{text}</span>
      <span className="unseen">{sayTask(task)}</span>
    </li>
  );
}
