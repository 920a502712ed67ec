// The log of a job: FFmpeg's command lines and words, bounded.
import { type Kysely, sql } from 'kysely';
import { plainText } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';

export type LogLine = { readonly at: Date; readonly task: string; readonly line: string };

/** Lines kept of one job: the last ones. */
export const LOG_LINES = 5000;
const LONGEST_LINE = 4000;

/** Appends lines. A job deleted meanwhile takes none. */
export async function appendJobLog(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  lines: readonly LogLine[],
): Promise<void> {
  if (lines.length === 0) return;
  const at = lines.map((line) => line.at);
  const task = lines.map((line) => line.task);
  const text = lines.map(({ line }) =>
    plainText(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)} …` : line),
  );
  await sql`
    insert into job_log (project_id, job_id, at, task, line)
    select job.project_id, job.id, new.at, new.task, new.line
    from job, unnest(${at}::timestamptz[], ${task}::text[], ${text}::text[]) with ordinality as new (at, task, line, n)
    where job.id = ${jobId} and job.project_id = ${projectId}
    order by n`.execute(db);
}

/** Drops all but the last LOG_LINES lines. Called now and then by those who append. */
export async function trimJobLog(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<void> {
  await sql`
    delete from job_log where project_id = ${projectId} and job_id = ${jobId} and id <= (
      select id from job_log where project_id = ${projectId} and job_id = ${jobId} order by id desc offset ${LOG_LINES} limit 1
    )`.execute(db);
}

/** Oldest first. */
export async function listJobLog(
  db: Kysely<Schema>,
  { projectId, jobId, limit }: JobRef & { readonly limit?: number },
): Promise<LogLine[]> {
  const rows = await db
    .selectFrom('job_log')
    .select(['at', 'task', 'line'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .orderBy('id', 'desc')
    .limit(limit ?? LOG_LINES)
    .execute();
  return rows.reverse();
}

/** Lines after a number, oldest first, with the number to go on from: for those who follow. `after` null begins with the last `limit` lines. */
export async function listJobLogAfter(
  db: Kysely<Schema>,
  { projectId, jobId, after, limit }: JobRef & { readonly after: number | null; readonly limit: number },
): Promise<{ readonly lines: LogLine[]; readonly last: number }> {
  const rows = await db
    .selectFrom('job_log')
    .select(['id', 'at', 'task', 'line'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .$if(after !== null, (query) => query.where('id', '>', after ?? 0))
    .orderBy('id', after === null ? 'desc' : 'asc')
    .limit(limit)
    .execute();
  if (after === null) rows.reverse();
  return { lines: rows.map(({ id: _, ...line }) => line), last: rows.at(-1)?.id ?? after ?? 0 };
}
