// Row of the jobs API under a burst: five hundred jobs by twenty clients at once, just after the start, while its workers begin on them.
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { measure, median } from '../meter.ts';
import type { Row } from '../row.ts';

const JOBS = 500;
const CLIENTS = 20;

export const SUBMIT_ROW: Row = {
  name: 'submit',
  title: `${JOBS} jobs by ${CLIENTS} clients at once, the first after a start, workers on: what 99 of 100 submissions stay below`,
  target: { atMost: 0.1 },
  unit: 's',
  run: async ({ tiny, folder, quick }) => {
    const first: number[] = [];
    const second: number[] = [];
    let foreign = 0;
    const starts = quick ? 2 : 5;
    for (let start = 0; start < starts; start++) {
      await using server = await startRendition({ settings: { FILE_ROOTS: folder } });
      const burst = { url: server.url, path: tiny.path };
      // Looked at while the server rests: its PostgreSQL would count as foreign.
      foreign += (await measure(null, () => sleep(500))).foreign / starts;
      first.push(await sendBurst(burst));
      second.push(await sendBurst(burst));
    }
    return {
      value: median(first),
      series: [
        { name: 'first burst, p99', unit: 's', values: first },
        { name: 'second burst, p99', unit: 's', values: second },
      ],
      foreign,
      commands: [],
      source: tiny.about,
      remarks: ['The clients run beside the server, and FFmpeg and PostgreSQL beside both.'],
    };
  },
};

type Burst = { readonly url: string; readonly path: string };

/** Seconds that 99 of 100 submissions stayed below. */
async function sendBurst({ url, path }: Burst): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const body = (order: number) =>
    JSON.stringify({
      source: { kind: 'file', path },
      outputs: [{ container: 'hls' }, { container: 'mp4', height: 90 }],
      metadata: { order },
    });
  const times: number[] = [];
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let order = client; order < JOBS; order += CLIENTS) {
        const began = performance.now();
        const status = await post(agent, `${url}/jobs`, body(order));
        times.push((performance.now() - began) / 1000);
        if (status !== 202) throw new Error(`POST /jobs answered ${status}`);
      }
    }),
  );
  agent.destroy();
  times.sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

/** Less of the client's own work than fetch has: both share the machine with what is measured. */
function post(agent: Agent, url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
