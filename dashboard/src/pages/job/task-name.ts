// What a piece of a job is called: chunks by their place in time, files and deliveries by their output where there are several.
import type { Attempt, Job } from '../../api/types.ts';
import { t, tell } from '../../text/text.ts';

export function taskName({ kind, subject, index }: Pick<Attempt, 'kind' | 'subject' | 'index'>, job: Job): string {
  if (kind === 'chunk') return t('chunks.chunk', { n: index + 1 });
  const isOfOutput = (kind === 'direct' || kind === 'output') && job.outputs.length > 1;
  return isOfOutput ? `${tell('task', kind)} ${subject + 1}` : tell('task', kind);
}
