// Jobs of a running server as the bench sees them: from the moment of asking to the moment the server says it was done.
import { setTimeout as sleep } from 'node:timers/promises';

type Report = { readonly status: string; readonly completedAt: string | null; readonly error: unknown };

/** Submits a file below FILE_ROOTS, waits, deletes. Resolves with seconds from asking to completion, by the server's clock, which is ours. */
export async function runJob(url: string, path: string, output: object): Promise<number> {
  const asked = Date.now();
  const body = JSON.stringify({ source: { kind: 'file', path }, outputs: [output] });
  const answer = await fetch(`${url}/jobs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (answer.status !== 202) throw new Error(`POST /jobs answered ${answer.status}: ${await answer.text()}`);
  const { uuid } = (await answer.json()) as { uuid: string };
  for (;;) {
    const report = (await (await fetch(`${url}/jobs/${uuid}`)).json()) as Report;
    if (report.status === 'failed' || report.status === 'canceled')
      throw new Error(`the job ${report.status}: ${JSON.stringify(report.error)}`);
    if (report.status === 'completed' && report.completedAt) {
      await fetch(`${url}/jobs/${uuid}`, { method: 'DELETE' });
      return (Date.parse(report.completedAt) - asked) / 1000;
    }
    // Looking costs time that is measured: seldom for long jobs, often for short ones.
    await sleep(Math.min(1000, Math.max(20, (Date.now() - asked) / 20)));
  }
}
