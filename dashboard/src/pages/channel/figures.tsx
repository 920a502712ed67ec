// The figures of a channel over time: what the server has kept of the last quarter of an hour, then second by second, kept while other pages are looked at. Plots are loaded when there is something to draw.
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useMemo, useSyncExternalStore } from 'react';
import { read } from '../../api/http.ts';
import type { ChannelJob } from '../../api/types.ts';
import { bitrate, number, t } from '../../text/text.ts';
import { Bones, Card } from '../../ui/parts.tsx';

const Plot = lazy(() => import('../../ui/plot.tsx').then((module) => ({ default: module.Plot })));

type Figure = 'fps' | 'bitrate' | 'speed' | 'cpu_percent';
type Sample = { at: number } & Readonly<Record<Figure, number | null>>;
const MOST = 900;
/** Milliseconds between two looks at what the server has: of a page that slept, the gap is filled. */
const REFILL_MS = 60_000;
/** Seconds without a sample after which a line is broken: the server's samples lie five apart. */
const GAP = 12;
/** Seconds around a sample of our own in which the server's says nothing new. */
const NEAR = 4;
const NOTHING = { fps: null, bitrate: null, speed: null, cpu_percent: null } as const;
const EMPTY: readonly Sample[] = [];
const kept = new Map<number, readonly Sample[]>();
const listeners = new Set<() => void>();
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const isGap = (sample: Sample): boolean => SHOWN.every(([name]) => sample[name] === null);
function keep(job: number, samples: readonly Sample[]): void {
  kept.set(job, samples.slice(-MOST));
  for (const listener of listeners) listener();
}

/** What the stream of a channel told. A channel that is off leaves a gap. */
export function keepFigures({ id, status, fps, bitrate: rate, speed, cpu_percent }: ChannelJob): void {
  const known = kept.get(id) ?? EMPTY;
  const at = Date.now() / 1000;
  const last = known.at(-1);
  if (last && at - last.at < 0.5) return;
  // What nobody saw is no straight line.
  const gap = last && at - last.at > GAP ? [{ ...NOTHING, at: last.at + 1 }] : [];
  const told = status === 'running' ? { fps, bitrate: rate, speed, cpu_percent } : NOTHING;
  keep(id, [...known, ...gap, { at, ...told }]);
}

/** Puts what the server has seen between what this page has: before it was opened, and while it slept. */
function fillFigures(job: number, told: readonly Sample[]): void {
  const own = (kept.get(job) ?? EMPTY).filter((sample) => !isGap(sample));
  const isKnown = ({ at }: Sample) => own.some((one) => Math.abs(one.at - at) < NEAR);
  const all = [...own, ...told.filter((sample) => !isKnown(sample))].sort((a, b) => a.at - b.at);
  keep(
    job,
    all.flatMap((sample, i) => {
      const before = all[i - 1];
      return before && sample.at - before.at > GAP ? [{ ...NOTHING, at: before.at + 1 }, sample] : [sample];
    }),
  );
}

const SHOWN = [
  ['fps', 'channel.fps', (value: number) => number(Math.round(value * 10) / 10)],
  ['bitrate', 'channel.bitrate', (value: number) => bitrate(value * 1000)],
  ['speed', 'channel.speed', (value: number) => `${number(Math.round(value * 100) / 100)}×`],
  ['cpu_percent', 'channel.cpu', (value: number) => `${number(Math.round(value))} %`],
] as const;

export function Figures({ job }: { job: number }) {
  const { data: told } = useQuery({
    queryKey: ['channel', 'figures', job],
    queryFn: () => read('GET /api/job/{id}/figures', { id: job }),
    refetchInterval: REFILL_MS,
  });
  useEffect(() => {
    if (told)
      fillFigures(
        job,
        told.samples.map((sample) => ({ ...sample, at: Date.parse(sample.at) / 1000 })),
      );
  }, [job, told]);
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
