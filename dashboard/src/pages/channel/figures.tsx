// The figures of a channel over time, second by second, kept while other pages are looked at. Plots are loaded when there is something to draw.
import { lazy, Suspense, useMemo, useSyncExternalStore } from 'react';
import type { ChannelJob } from '../../api/channels.ts';
import { bitrate, number, t } from '../../text/text.ts';
import { Bones, Card } from '../../ui/parts.tsx';

const Plot = lazy(() => import('../../ui/plot.tsx').then((module) => ({ default: module.Plot })));

type Figure = 'fps' | 'bitrate' | 'speed' | 'cpu_percent';
type Sample = { at: number } & Readonly<Record<Figure, number | null>>;
const MOST = 900;
/** Seconds. */
const GAP = 5;
const NOTHING = { fps: null, bitrate: null, speed: null, cpu_percent: null } as const;
const EMPTY: readonly Sample[] = [];
const kept = new Map<number, readonly Sample[]>();
const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** What the stream of a channel told. A channel that is off leaves a gap. */
export function keepFigures({ id, status, fps, bitrate: rate, speed, cpu_percent }: ChannelJob): void {
  const known = kept.get(id) ?? EMPTY;
  const at = Date.now() / 1000;
  const last = known.at(-1);
  if (last && at - last.at < 0.5) return;
  // What nobody saw is no straight line.
  const gap = last && at - last.at > GAP ? [{ ...NOTHING, at: last.at + 1 }] : [];
  const runs = status === 'running';
  const sample: Sample = {
    at,
    fps: runs ? fps : null,
    bitrate: runs ? rate : null,
    speed: runs ? speed : null,
    cpu_percent: runs ? cpu_percent : null,
  };
  kept.set(id, [...known, ...gap, sample].slice(-MOST));
  for (const listener of listeners) listener();
}

const SHOWN = [
  ['fps', 'channel.fps', (value: number) => number(Math.round(value * 10) / 10)],
  ['bitrate', 'channel.bitrate', (value: number) => bitrate(value * 1000)],
  ['speed', 'channel.speed', (value: number) => `${number(Math.round(value * 100) / 100)}×`],
  ['cpu_percent', 'channel.cpu', (value: number) => `${number(Math.round(value))} %`],
] as const;

export function Figures({ job }: { job: number }) {
  const samples = useSyncExternalStore(subscribe, () => kept.get(job) ?? EMPTY);
  const times = useMemo(() => samples.map(({ at }) => at), [samples]);
  const plots = useMemo(
    () =>
      SHOWN.map(([name, label, format]) => ({
        label: t(label),
        series: [{ label: '', values: samples.map((sample) => sample[name]), format }],
      })),
    [samples],
  );
  return (
    <Card title={t('channel.figures')} side={<span className="small quiet">{t('channel.figures.about')}</span>}>
      {samples.length < 2 || samples.every(({ fps, bitrate: rate }) => fps === null && rate === null) ? (
        <p className="body quiet">{t('channel.figures.wait')}</p>
      ) : (
        <Suspense fallback={<Bones rows={4} />}>
          <div className="body grid-2">
            {plots.map(({ label, series }) => (
              <Plot key={label} label={label} times={times} series={series} />
            ))}
          </div>
        </Suspense>
      )}
    </Card>
  );
}
