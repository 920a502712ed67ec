// The log of an encoder job as its users read it: what happened, in sentences. Written by workflows/encoder, listed by the encoder API.
import { type Kysely, sql } from 'kysely';
import { plainText } from '#database/columns.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Schema } from '#database/schema.ts';
import type { EncoderLogLevel } from '#domain/encoder-job.ts';

export type EncoderLog = {
  readonly id: number;
  readonly level: EncoderLogLevel;
  readonly at: Date;
  readonly message: string;
};

/** Lines kept of one job, the last ones: an external worker may report without end. */
const MOST_LINES = 1000;
const LONGEST_MESSAGE = 4000;

/** Adds lines in their order. */
export async function insertEncoderLog(
  db: Kysely<Schema>,
  { projectId, jobId }: JobRef,
  lines: readonly Pick<EncoderLog, 'level' | 'message'>[],
): Promise<void> {
  if (lines.length === 0) return;
  await db
    .insertInto('encoder_log')
    .values(
      lines.map(({ level, message }) => ({
        project_id: projectId,
        job_id: jobId,
        level,
        message: plainText(message.slice(0, LONGEST_MESSAGE)),
      })),
    )
    .execute();
  await sql`
    delete from encoder_log where job_id = ${jobId} and id <= (
      select id from encoder_log where job_id = ${jobId} order by id desc offset ${MOST_LINES} limit 1
    )`.execute(db);
}

/** Oldest first. */
export async function listEncoderLog(
  db: Kysely<Schema>,
  { projectId, jobId, offset, limit }: JobRef & { readonly offset: number; readonly limit: number },
): Promise<EncoderLog[]> {
  return db
    .selectFrom('encoder_log')
    .select(['id', 'level', 'at', 'message'])
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .orderBy('id')
    .offset(offset)
    .limit(limit)
    .execute();
}

export async function countEncoderLog(db: Kysely<Schema>, { projectId, jobId }: JobRef): Promise<number> {
  const row = await db
    .selectFrom('encoder_log')
    .select(sql<number>`count(*)::int`.as('count'))
    .where('project_id', '=', projectId)
    .where('job_id', '=', jobId)
    .executeTakeFirst();
  return row?.count ?? 0;
}
