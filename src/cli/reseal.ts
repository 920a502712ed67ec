// `rendition reseal`: everything at rest under the first SECRET_KEY, so that the others can go. Called by run.ts.
import type { Command } from '#cli/command.ts';
import { openForCommand } from '#cli/open-for-command.ts';
import { clock, table } from '#cli/table.ts';
import { type ResealProgress, resealAll } from '#workflows/reseal-all.ts';

export const command: Command = {
  name: 'reseal',
  usage: 'reseal [--check]',
  about:
    'Seals all stored credentials under the first key of SECRET_KEY=NEW,OLD, beside running servers; ended early, it goes on when called again. Exit code 1 when something is not under the first key.',
  options: { check: { type: 'boolean', about: 'only count what is sealed under which key' } },
  takes: [0, 0],
  examples: [
    ['rendition reseal', 'after all servers were started with SECRET_KEY=NEW,OLD'],
    ['rendition reseal --check', 'whether the old key can go'],
  ],
  run: async ({ flags }) => {
    await using platform = await openForCommand();
    const isCheck = flags.has('check');
    const tables = await resealAll(platform, { isCheck, onProgress: showProgress() });
    const rows = tables.map(({ table, total, resealed, closed, held }) => [table, total, resealed, closed, held]);
    const headings = ['table', 'sealed', isCheck ? 'under an old key' : 'sealed anew', 'under no known key', 'busy'];
    process.stdout.write(
      `${table(
        headings,
        rows.map((row) => row.map(String)),
      )}\n\n`,
    );
    const sum = (of: (told: ResealProgress) => number) => tables.reduce((total, told) => total + of(told), 0);
    const [old, closed, held] = [
      isCheck ? sum((one) => one.resealed) : 0,
      sum((one) => one.closed),
      sum((one) => one.held),
    ];
    if (old + held > 0) process.stdout.write(`${old + held} rows need an old key: run "rendition reseal" again\n`);
    if (closed > 0)
      process.stdout.write(
        `${closed} rows were sealed under a key that SECRET_KEY does not name: add it behind the others, or they stay closed\n`,
      );
    if (old + held > 0) return 1;
    const ttl = clock(platform.config.PLAYBACK_URL_TTL);
    process.stdout.write(
      `Everything else is under the first key. The others may leave SECRET_KEY once every server was started with the first key in front; signed addresses that they signed end with them, by themselves after ${ttl} (PLAYBACK_URL_TTL)\n`,
    );
    return closed > 0 ? 1 : 0;
  },
};

/** A line a second at the most, on standard error. */
function showProgress(): (progress: ResealProgress) => void {
  let next = performance.now() + 1000;
  return ({ table, total, seen, resealed }) => {
    if (performance.now() < next) return;
    next = performance.now() + 1000;
    process.stderr.write(`${table}: ${seen} of ${total} looked at, ${resealed} sealed anew\n`);
  };
}
