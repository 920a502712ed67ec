// A line over time; uPlot is loaded only where one is drawn. Beside it stands the newest figure as text.
import { useEffect, useRef } from 'react';
import type uPlotType from 'uplot';
import { useTheme } from '../shell/theme.ts';
import { useLanguage } from '../text/text.ts';

export type Series = { label: string; values: readonly (number | null)[]; format: (value: number) => string };
type PlotProps = { label: string; times: readonly number[]; series: readonly Series[]; max?: number };

const COLOURS = ['--accent', '--info', '--wait'];

/** Pixels of a rem: what is drawn grows with what is written. */
const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
const heightOf = (): number => Math.round(rem() * 10.7);

const isClose = ([first = 0, second = 0]: readonly number[]): boolean => second - first < 60;

export function Plot({ label, times, series, max }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlotType | null>(null);
  const theme = useTheme();
  const language = useLanguage();
  const latest = useRef({ times, series });
  latest.current = { times, series };
  const names = series.map((one) => one.label).join('|');
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours and words are read anew when theme, language or names change
  useEffect(() => {
    let isGone = false;
    const watcher = new ResizeObserver(([entry]) => {
      if (entry && plot.current) plot.current.setSize({ width: entry.contentRect.width, height: heightOf() });
    });
    const draw = async () => {
      const [{ default: UPlot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
      if (isGone || !box.current) return;
      const style = getComputedStyle(document.documentElement);
      const colour = (name: string) => {
        // Canvas does not know light-dark(): the browser works it out on an element.
        const probe = document.createElement('i');
        probe.style.color = `var(${name})`;
        box.current?.append(probe);
        const found = getComputedStyle(probe).color;
        probe.remove();
        return found || style.color;
      };
      const font = `${Math.round(rem() * 0.8)}px ${style.fontFamily}`;
      const grid = { stroke: colour('--line'), width: 1 };
      const axis = { stroke: colour('--quiet'), font, grid, ticks: { show: false } };
      plot.current = new UPlot(
        {
          width: box.current.clientWidth,
          height: heightOf(),
          legend: { show: false },
          cursor: { y: false },
          scales: { y: { range: (_u, _min, top) => [0, max ?? Math.max(top * 1.1, 1)] } },
          axes: [
            {
              ...axis,
              space: rem() * 6,
              size: rem() * 2.4,
              values: (_u, splits) =>
                splits.map((at) =>
                  new Date(at * 1000).toLocaleTimeString(language, {
                    hour: '2-digit',
                    minute: '2-digit',
                    hour12: false,
                    // Closer together than minutes, they would all read alike.
                    ...(isClose(splits) ? { second: '2-digit' } : {}),
                  }),
                ),
            },
            {
              ...axis,
              size: rem() * 4.7,
              values: (_u, splits) => splits.map((at) => latest.current.series[0]?.format(at) ?? ''),
            },
          ],
          series: [
            {},
            ...latest.current.series.map((one, i) => ({
              label: one.label,
              stroke: colour(COLOURS[i % COLOURS.length] ?? '--accent'),
              width: 1.6,
              spanGaps: false,
              points: { show: false },
            })),
          ],
        },
        [[...latest.current.times], ...latest.current.series.map(({ values }) => [...values])] as uPlotType.AlignedData,
        box.current,
      );
      watcher.observe(box.current);
    };
    // A page of a hundred machines draws those that are looked at.
    const sight = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        sight.disconnect();
        void draw();
      },
      { rootMargin: '400px' },
    );
    if (box.current) sight.observe(box.current);
    return () => {
      isGone = true;
      sight.disconnect();
      watcher.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme, language, names, max]);
  useEffect(() => {
    plot.current?.setData([[...times], ...series.map(({ values }) => [...values])] as uPlotType.AlignedData);
  }, [times, series]);
  const said = series
    .map((one) => {
      const last = one.values.at(-1);
      return last === null || last === undefined ? '' : `${one.label} ${one.format(last)}`;
    })
    .filter((text) => text !== '')
    .join(', ');
  return (
    <figure className="stack">
      <figcaption className="row between small">
        <strong>{label}</strong>
        <span className="quiet number">{said}</span>
      </figcaption>
      <div className="plot" ref={box} role="img" aria-label={`${label}: ${said}`} />
    </figure>
  );
}
