// How busy this machine is: a sample every five seconds, taken cheaply, for the whole cluster to see. Started by `serve`, `work` and `live`.
import { readFileSync } from 'node:fs';
import { cpus, freemem, hostname, totalmem } from 'node:os';
import { deleteLoadBefore, insertLoad, type LoadSample, type MachineFacts } from '#database/machine-load.ts';
import type { Platform } from '#workflows/platform.ts';

/** Seconds between two samples. */
export const LOAD_INTERVAL = 5;
/** Seconds that a sample is kept. */
export const LOAD_KEPT = 3600;
/** Samples between two looks for old ones, of machines that are gone too. */
const SWEEP_EVERY = 60;

export type LoadSampler = { stop(): Promise<void> };

export function startLoadSampler({ database, log }: Platform): LoadSampler {
  const machine: MachineFacts = { hostname: hostname(), cores: cpus().length, memoryTotal: totalmem() };
  let last = readCounters();
  let taken = 0;
  const save = async (sample: LoadSample) => {
    await insertLoad(database.db, machine, sample);
    if (taken++ % SWEEP_EVERY === 0) await deleteLoadBefore(database.db, new Date(Date.now() - LOAD_KEPT * 1000));
  };
  let saving: Promise<void> = Promise.resolve();
  const take = () => {
    const now = readCounters();
    const sample = sampleBetween(last, now);
    last = now;
    // One that cannot be stored leaves a gap in a line, nothing more.
    saving = save(sample).catch((error: unknown) => log.debug({ err: error }, 'a sample of the load was not stored'));
  };
  // The first figures are there for the first who asks.
  const first = setTimeout(take, 250);
  const timer = setInterval(take, LOAD_INTERVAL * 1000);
  first.unref();
  timer.unref();
  return {
    stop: () => {
      clearTimeout(first);
      clearInterval(timer);
      return saving;
    },
  };
}

/** At the same times in every process of the machine, so that they do not store it over and over. */
const slotOf = (time: number): Date => new Date(Math.floor(time / (LOAD_INTERVAL * 1000)) * LOAD_INTERVAL * 1000);

function sampleBetween(last: Counters, now: Counters): LoadSample {
  const seconds = Math.max(0.001, (now.at - last.at) / 1000);
  const ticks = now.total - last.total;
  return {
    at: slotOf(Date.now()),
    cpu: ticks > 0 ? Math.round(((now.busy - last.busy) / ticks) * 1000) / 10 : 0,
    memoryUsed: totalmem() - availableMemory(),
    received: rate(now.traffic?.received, last.traffic?.received, seconds),
    sent: rate(now.traffic?.sent, last.traffic?.sent, seconds),
  };
}

type Counters = { readonly at: number; readonly busy: number; readonly total: number; readonly traffic: Traffic };
type Traffic = { readonly received: number; readonly sent: number } | null;

/** Counters begin anew when an interface goes away. */
const rate = (now: number | undefined, before: number | undefined, seconds: number): number | null =>
  now === undefined || before === undefined ? null : Math.max(0, Math.round((now - before) / seconds));

function readCounters(): Counters {
  let [busy, total] = [0, 0];
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    total += all;
    busy += all - times.idle;
  }
  return { at: performance.now(), busy, total, traffic: readTraffic() };
}

/** os.freemem() counts the page cache as used on Linux before Node knew MemAvailable. */
function availableMemory(): number {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec(readProc('/proc/meminfo') ?? '')?.[1];
  return found === undefined ? freemem() : Number(found) * 1024;
}

function readTraffic(): Traffic {
  const text = readProc('/proc/net/dev');
  if (text === null) return null;
  let [received, sent] = [0, 0];
  for (const line of text.split('\n')) {
    const [, name, figures] = /^\s*([^\s:]+):\s*(.+)$/.exec(line) ?? [];
    if (name === undefined || figures === undefined || name === 'lo') continue;
    const columns = figures.trim().split(/\s+/).map(Number);
    received += columns[0] ?? 0;
    sent += columns[8] ?? 0;
  }
  return { received, sent };
}

/** null where there is no such file: not Linux. */
function readProc(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EACCES')) return null;
    throw error;
  }
}
