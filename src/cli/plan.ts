// `rendition plan`: the findings about a file and what would be done with it; no database, nothing kept. Called by run.ts.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { viewPlan } from '#api/jobs/plan-view.ts';
import type { Call, Command } from '#cli/command.ts';
import { OUTPUT_OPTIONS, readOutputs } from '#cli/output-options.ts';
import { printPlan } from '#cli/print-plan.ts';
import { nextSignal } from '#cli/signals.ts';
import { readSource } from '#cli/source-argument.ts';
import { readEnvironment } from '#config/read-environment.ts';
import { PlatformError } from '#domain/error.ts';
import { findTool, mediaLimits, s3Settings } from '#platform.ts';
import { openDisk } from '#storage/disk.ts';
import { createEgress } from '#storage/egress.ts';
import { createLocationOpener } from '#storage/open.ts';
import { planJob } from '#workflows/plan-job.ts';

export const command: Command = {
  name: 'plan',
  usage: 'plan FILE|URL [options]',
  about:
    'Looks at a source and says what is odd about it, what would be done, and what it would cost. Nothing is encoded or kept.',
  options: { ...OUTPUT_OPTIONS, json: { type: 'boolean', about: 'as JSON' } },
  takes: [1, 1],
  examples: [
    ['rendition plan film.mov', 'findings and plan of an HLS stream'],
    ['rendition plan film.mov --mp4 --height 720 --json', 'the same for a file, for scripts'],
  ],
  run: plan,
};

async function plan(call: Call): Promise<number> {
  const config = readEnvironment();
  const source = await readSource(call.arguments[0] ?? '', config);
  const outputs = readOutputs(call, config, () => null);
  const signal = nextSignal();
  const control = new AbortController();
  void signal.then(() => control.abort(new PlatformError('canceled', 'interrupted')));
  const scratch = await mkdtemp(path.join(tmpdir(), 'rendition-plan-'));
  // The user's own machine: their own network is theirs to reach.
  const egress = createEgress({ allow: ['0.0.0.0/0', '::/0'] });
  try {
    const managed = await openDisk(path.join(scratch, 'managed'));
    const locations = createLocationOpener({
      managed,
      egress,
      s3: s3Settings(config),
      fileRoots: source.root === null ? [] : [source.root],
      maxInlineBytes: 0,
      uploads: async (id) => Promise.reject(new PlatformError('not_found', `There is no upload ${id}`)),
    });
    const planner = {
      config: { ...config, TEMP_VIDEOS_DIR: scratch },
      locations,
      limits: mediaLimits(config),
      tool: await findTool(config),
    };
    const { facts, plan: made } = await planJob(planner, { source: source.location, outputs, signal: control.signal });
    const view = viewPlan(facts, made);
    process.stdout.write(call.flags.has('json') ? `${JSON.stringify(view, null, 2)}\n` : printPlan(view));
    return 0;
  } catch (error) {
    if (control.signal.aborted) return 130;
    throw error;
  } finally {
    await egress.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
