// Runs one operation as the API does: validate, recognise, map to a job, let a real worker make it. Used by the matrix and its tests.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findJob } from '#database/jobs.ts';
import { listOutputs } from '#database/outputs.ts';
import { type Failure, PlatformError, toFailure } from '#domain/error.ts';
import { isFinished, type Job } from '#domain/job.ts';
import { type RecognizedFormat, recognizeFormat } from '#domain/operations/formats.ts';
import { validateParameters } from '#domain/operations/parameters.ts';
import { findOperation, requireInput } from '#domain/operations/registry.ts';
import { detectTool } from '#media/capabilities.ts';
import { toJob } from '#media/operations/to-job.ts';
import { probeSource } from '#media/probe.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { submitJob } from '#workflows/submit-job.ts';
import { eventually } from '../kit/eventually.ts';
import { freshDatabase } from '../kit/postgres.ts';
import { LIMITS } from '../media/sample-facts.ts';
import { jobRequest, openTestPlatform } from '../workflows/test-platform.ts';

export type Conversion = {
  /** Of the source. */
  readonly recognized: RecognizedFormat | null;
  /** The finished file; null where there is none. */
  readonly path: string | null;
  readonly job: Job | null;
  readonly failure: Failure | null;
  /** Of everything, from the call on. */
  readonly seconds: number;
};

export type Converter = AsyncDisposable & {
  convert(operation: string, parameters: Readonly<Record<string, unknown>>, file: string): Promise<Conversion>;
};

/** @param roots folders that sources lie in */
export async function openConverter(roots: readonly string[]): Promise<Converter> {
  const fresh = await freshDatabase();
  const limits = LIMITS.child;
  const tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits, hwaccel: 'none' });
  const settings = { FILE_ROOTS: roots.join(','), WORKER_CONCURRENCY: '1' };
  const opened = await openTestPlatform(fresh.database, { tool, settings });
  const { platform } = opened;
  const worker = await startWorker(platform);
  return {
    convert: async (operation, parameters, file) => {
      const started = performance.now();
      const took = () => (performance.now() - started) / 1000;
      let recognized: RecognizedFormat | null = null;
      try {
        const found = findOperation(operation);
        if (!found) throw new Error(`there is no operation ${operation}`);
        const validated = validateParameters(found, parameters);
        if ('errors' in validated) {
          throw new PlatformError('invalid_request', JSON.stringify(validated.errors), {
            errors: validated.errors,
          });
        }
        const facts = await probeSource({ tool, limits: LIMITS, input: { kind: 'file', path: file } });
        recognized = recognizeFormat(facts);
        requireInput(found, recognized.format);
        const outputs = toJob(found, validated.values, recognized);
        const request = jobRequest({ api: 'operations', source: { kind: 'file', path: file }, outputs });
        const { job } = await submitJob(platform, request);
        const ref = { projectId: 'default', jobId: job.id };
        const { db } = platform.database;
        const finished = async () => {
          const found = await findJob(db, ref, platform.sealer);
          if (!found || !isFinished(found.status)) throw new Error(`${operation} of ${file} is still ${found?.status}`);
          return found;
        };
        const ended = await eventually(finished);
        const seconds = took();
        const [output] = await listOutputs(db, ref, platform.sealer);
        const failure = ended.error ?? output?.error ?? null;
        const path = ended.status === 'completed' ? await findFile(join(opened.folder, 'storage'), job.uuid) : null;
        return { recognized, path, job: ended, failure, seconds };
      } catch (error) {
        if (!(error instanceof PlatformError)) throw error;
        return { recognized, path: null, job: null, failure: toFailure(error), seconds: took() };
      }
    },
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await opened.close();
      await fresh.drop();
    },
  };
}

/** The one file of a job in managed storage. */
async function findFile(storage: string, uuid: string): Promise<string | null> {
  let all: string[] = [];
  // Folders of what was made on the way go meanwhile, and a listing that meets one fails.
  await eventually(async () => {
    all = await readdir(storage, { recursive: true });
  });
  const name = all.find((one) => one.includes(uuid) && /output\.\w+$/.test(one));
  return name === undefined ? null : join(storage, name);
}
