// `rendition encode`: one job through the same engine, without a server. Called by run.ts.
import type { Call, Command } from '#cli/command.ts';
import { createLogger } from '#cli/logger.ts';
import { OUTPUT_OPTIONS, readOutputs } from '#cli/output-options.ts';
import { createProgressView } from '#cli/progress-view.ts';
import { nextSignal } from '#cli/signals.ts';
import { readSource } from '#cli/source-argument.ts';
import { bytes, clock } from '#cli/table.ts';
import { openTarget, requireFree, type Target } from '#cli/target.ts';
import { openThrowAwayPlatform } from '#cli/throw-away-platform.ts';
import { watchJob } from '#cli/watch-job.ts';
import { readEnvironment } from '#config/read-environment.ts';
import { DEFAULT_PROJECT } from '#domain/access.ts';
import { type Job, type Output, USUAL_PRIORITY } from '#domain/job.ts';
import { viewJob } from '#domain/view-job.ts';
import { cancelJob } from '#workflows/cancel-job.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { submitJob } from '#workflows/submit-job.ts';

export const command: Command = {
  name: 'encode',
  usage: 'encode FILE|URL [options]',
  about:
    'Runs one job on this machine, with a progress bar, and says where the result is. Exit code 0 done, 1 failed, 130 interrupted.',
  options: {
    to: {
      type: 'string',
      value: 'PLACE',
      about: 'folder or s3://bucket/prefix (default: a folder here, named after the source)',
    },
    force: { type: 'boolean', short: 'f', about: 'overwrite what is there' },
    json: { type: 'boolean', about: 'print the finished job as JSON instead' },
    ...OUTPUT_OPTIONS,
  },
  takes: [1, 1],
  examples: [
    ['rendition encode film.mov', 'an HLS stream in the folder film'],
    [
      'rendition encode film.mov --hls --dash --mp4 --to public/film',
      'two kinds of stream over the same segments, and a file',
    ],
    [
      'rendition encode talk.mp4 --mp3 --start 1:30 --duration 10:00 --normalize',
      'ten minutes of sound, at an even loudness',
    ],
    [
      'rendition encode https://example.com/film.mp4 --ladder 720p,480p --to s3://media/film',
      'from the web into a bucket',
    ],
  ],
  run: encode,
};

async function encode(call: Call): Promise<number> {
  const config = readEnvironment();
  const signal = nextSignal();
  const source = await readSource(call.arguments[0] ?? '', config);
  const target = openTarget(call.values.get('to') ?? source.name, source.name);
  const outputs = readOutputs(call, config, target.destination);
  if (!call.flags.has('force')) await requireFree(config, target, outputs);
  const log = createLogger({ LOG_LEVEL: config.LOG_LEVEL === 'info' ? 'silent' : config.LOG_LEVEL });
  const undo = await target.prepare();
  let done = false;
  try {
    await using platform = await openThrowAwayPlatform({
      config,
      log,
      beside: target.beside,
      fileRoots: [...(source.root === null ? [] : [source.root]), ...(target.folder === null ? [] : [target.folder])],
    });
    const worker = await startWorker(platform);
    try {
      const { job } = await submitJob(platform, {
        projectId: DEFAULT_PROJECT,
        api: 'cli',
        source: source.location,
        outputs,
        priority: USUAL_PRIORITY,
        metadata: {},
        notificationUrl: null,
        idempotencyKey: null,
      });
      const ref = { projectId: job.projectId, jobId: job.id };
      const view = createProgressView({ quiet: call.flags.has('json'), name: source.name });
      void signal.then(() =>
        cancelJob(platform, ref).catch((error: unknown) => log.error({ err: error }, 'the job could not be canceled')),
      );
      const { job: ended, outputs: made } = await watchJob(platform, ref, view).finally(() => view.close());
      done = ended.status === 'completed';
      if (call.flags.has('json')) process.stdout.write(`${JSON.stringify(viewJob(ended, made, ''), null, 2)}\n`);
      else report({ job: ended, outputs: made, target });
      return done ? 0 : ended.status === 'canceled' ? 130 : 1;
    } finally {
      await worker.stop();
    }
  } finally {
    if (!done) await undo();
  }
}

function report({
  job,
  outputs,
  target,
}: {
  readonly job: Job;
  readonly outputs: readonly Output[];
  readonly target: Target;
}): void {
  if (job.status === 'completed') {
    const took = job.startedAt && job.completedAt ? (job.completedAt.getTime() - job.startedAt.getTime()) / 1000 : 0;
    const length = Math.max(0, ...outputs.map(({ result }) => result?.duration ?? 0));
    process.stderr.write(
      `Done in ${clock(took)}${length > 0 && took > 0 ? ` (${(length / took).toFixed(1)}× real time)` : ''}\n`,
    );
    for (const { result } of outputs)
      if (result) process.stdout.write(`${target.show(result.url)}  ${bytes(result.size)}\n`);
    return;
  }
  if (job.status === 'canceled') {
    process.stderr.write('Interrupted: nothing is left behind\n');
    return;
  }
  process.stderr.write(
    `rendition: ${job.error ? `${job.error.message.replace(/\.$/, '')} (${job.error.code}). ${job.error.advice}` : 'the job failed'}\n`,
  );
}
