// Load of this machine, measured at most every two seconds: one look takes up to half a second. Called by the channels API.
import { currentLoad, mem, networkStats } from 'systeminformation';

export type SystemSample = {
  readonly cpu: { readonly percent: number; readonly perCore: readonly number[] };
  /** bytes */
  readonly memory: { readonly total: number; readonly used: number; readonly percent: number };
  readonly interfaces: readonly { readonly name: string; readonly received: number; readonly sent: number }[];
};

const FRESH_MS = 2000;
let latest: { readonly at: number; readonly sample: Promise<SystemSample> } | undefined;

/** The newest sample; asked by many at once, it is taken once. */
export function sampleSystem(): Promise<SystemSample> {
  if (latest && performance.now() - latest.at < FRESH_MS) return latest.sample;
  const sample = take();
  latest = { at: performance.now(), sample };
  sample.catch(() => {
    latest = undefined;
  });
  return sample;
}

async function take(): Promise<SystemSample> {
  const [load, memory, network] = await Promise.all([currentLoad(), mem(), networkStats('*')]);
  const used = memory.total - memory.available;
  return {
    cpu: { percent: percent(load.currentLoad), perCore: load.cpus.map(({ load: one }) => percent(one)) },
    memory: { total: memory.total, used, percent: percent((used / memory.total) * 100) },
    // Rates are between two looks: the first has none.
    interfaces: network.map(({ iface, rx_sec, tx_sec }) => ({
      name: iface,
      received: Math.max(0, Math.round(rx_sec ?? 0)),
      sent: Math.max(0, Math.round(tx_sec ?? 0)),
    })),
  };
}

const percent = (value: number): number => Math.round(Math.min(100, Math.max(0, value)) * 10) / 10;
