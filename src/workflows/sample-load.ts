// How busy this machine is: samples of the last hour, taken all the time and cheaply. Started by the system routes.
import { readFileSync } from 'node:fs';
import { cpus, freemem, hostname, totalmem } from 'node:os';

/** Seconds between two samples. */
export const LOAD_INTERVAL = 5;
const MOST_SAMPLES = 720;

export type LoadSample = {
  readonly at: Date;
  /** 0–100, all cores together */
  readonly cpu: number;
  /** bytes */
  readonly memoryUsed: number;
  /** bytes per second over all interfaces but loopback; null where the system does not tell */
  readonly received: number | null;
  readonly sent: number | null;
};
export type LoadSampler = {
  readonly hostname: string;
  readonly cores: number;
  /** bytes */
  readonly memoryTotal: number;
  /** Oldest first. */
  samples(): readonly LoadSample[];
  stop(): void;
};

type Counters = { readonly at: number; readonly busy: number; readonly total: number; readonly traffic: Traffic };
type Traffic = { readonly received: number; readonly sent: number } | null;

export function startLoadSampler(): LoadSampler {
  const kept: LoadSample[] = [];
  let last = readCounters();
  const take = () => {
    const now = readCounters();
    const seconds = Math.max(0.001, (now.at - last.at) / 1000);
    const ticks = now.total - last.total;
    kept.push({
      at: new Date(),
      cpu: ticks > 0 ? Math.round(((now.busy - last.busy) / ticks) * 1000) / 10 : 0,
      memoryUsed: totalmem() - availableMemory(),
      received: rate(now.traffic?.received, last.traffic?.received, seconds),
      sent: rate(now.traffic?.sent, last.traffic?.sent, seconds),
    });
    if (kept.length > MOST_SAMPLES) kept.shift();
    last = now;
  };
  // The first figures are there for the first who asks.
  const first = setTimeout(take, 250);
  const timer = setInterval(take, LOAD_INTERVAL * 1000);
  first.unref();
  timer.unref();
  return {
    hostname: hostname(),
    cores: cpus().length,
    memoryTotal: totalmem(),
    samples: () => kept,
    stop: () => {
      clearTimeout(first);
      clearInterval(timer);
    },
  };
}

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
