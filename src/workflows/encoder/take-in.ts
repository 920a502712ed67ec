// Takes one entry of the Redis list in: a job, or a reason why it never can be one. Called by the intake (queue/redis-intake.ts).
import { createHash } from 'node:crypto';
import { findStoredEntry, forgetEntry, listStoredEntries } from '#database/encoder-jobs.ts';
import { DEFAULT_PROJECT } from '#domain/access.ts';
import { PlatformError } from '#domain/error.ts';
import type { IntakeVerdict } from '#queue/redis-intake.ts';
import { submissionSchema, toEncoderRequest } from '#workflows/encoder/submission.ts';
import { submitEncoderJob } from '#workflows/encoder/submit-encoder-job.ts';
import type { Platform } from '#workflows/platform.ts';

/** Bytes: a submission is some hundred. */
const LONGEST_ENTRY = 64 * 1024;

/**
 * Resolves once the job is committed, or the entry is found to be none; rejects where it should be tried again.
 * @param again it was found in `encoding:processing`: whoever moved it there may have stored it before dying
 */
export async function takeIn(platform: Platform, text: string, again: boolean): Promise<IntakeVerdict> {
  const entry = createHash('sha256').update(text).digest('hex');
  if (again && (await findStoredEntry(platform.database.db, entry))) return { kind: 'stored', entry };
  const parsed = parseEntry(text);
  if (typeof parsed === 'string') return { kind: 'malformed', reason: parsed };
  try {
    await submitEncoderJob(platform, { projectId: DEFAULT_PROJECT, request: toEncoderRequest(parsed), entry });
    return { kind: 'stored', entry };
  } catch (error) {
    if (error instanceof PlatformError && (error.code === 'invalid_request' || error.code === 'limit_exceeded'))
      return { kind: 'malformed', reason: error.message };
    throw error;
  }
}

/** The entry is gone from Redis. */
export const confirmRemoval = ({ database }: Platform, entry: string): Promise<void> => forgetEntry(database.db, entry);

/** Jobs may remember entries that are gone, where a process died between the two: an equal entry to come is another one. */
export async function forgetRemoved(platform: Platform, listPresent: () => Promise<readonly string[]>): Promise<void> {
  const { db } = platform.database;
  // In this order: an entry is in Redis before it is stored, so what is stored and not there is gone.
  const stored = await listStoredEntries(db);
  const present = await listPresent();
  const there = new Set(present.map((text) => createHash('sha256').update(text).digest('hex')));
  for (const entry of stored) if (!there.has(entry)) await forgetEntry(db, entry);
}

/** The submission, or what is wrong with it. */
function parseEntry(text: string) {
  if (Buffer.byteLength(text) > LONGEST_ENTRY) return `The entry is longer than ${LONGEST_ENTRY} bytes`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `The entry is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
  const parsed = submissionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'The entry'}: ${message}`).join('; ');
}
