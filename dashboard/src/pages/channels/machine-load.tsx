// How busy the machine is that this server runs on: figures with a small line of the last minutes. Used by the channel pages.
import { useMetrics } from '../../api/channels.ts';
import { bytes, number, t } from '../../text/text.ts';

/** Stands there from the beginning: nothing below moves when the figures come. */
const UNKNOWN = '–';

export function MachineLoad() {
  const { data = [], isError } = useMetrics();
  const last = data.at(-1);
  if (!last && isError) return null;
  const sum = (sample: (typeof data)[number], name: 'rx_bytes_per_s' | 'tx_bytes_per_s') =>
    sample.network.interfaces.filter((one) => one.name !== 'lo').reduce((all, one) => all + one[name], 0);
  const [received, sent] = [
    data.map((one) => sum(one, 'rx_bytes_per_s')),
    data.map((one) => sum(one, 'tx_bytes_per_s')),
  ];
  const per = (value: number) => `${bytes(Math.round(value))}/s`;
  return (
    <section className="card machine-load" aria-label={t('channels.system')}>
      <Meter
        label={t('channels.cpu')}
        value={last ? `${number(Math.round(last.cpu.percent))} %` : UNKNOWN}
        about={last ? t('load.cores', { n: last.cpu.per_core.length }) : ''}
        values={data.map(({ cpu }) => cpu.percent)}
        most={100}
      />
      <Meter
        label={t('channels.memory')}
        value={last ? `${number(Math.round(last.memory.percent))} %` : UNKNOWN}
        about={last ? bytes(last.memory.used) : ''}
        values={data.map(({ memory }) => memory.percent)}
        most={100}
      />
      <Meter
        label={t('channels.in')}
        value={last ? per(received.at(-1) ?? 0) : UNKNOWN}
        values={received}
        most={Math.max(1, ...received)}
      />
      <Meter
        label={t('channels.out')}
        value={last ? per(sent.at(-1) ?? 0) : UNKNOWN}
        values={sent}
        most={Math.max(1, ...sent)}
      />
    </section>
  );
}

type MeterProps = { label: string; value: string; about?: string; values: readonly number[]; most: number };
const [WIDTH, HEIGHT, SHOWN] = [120, 28, 90];

function Meter({ label, value, about, values, most }: MeterProps) {
  const recent = values.slice(-SHOWN);
  const points = recent.map((one, i) => {
    const x = (i * WIDTH) / Math.max(1, recent.length - 1);
    return `${x.toFixed(1)},${(HEIGHT - 1 - (Math.min(one, most) / most) * (HEIGHT - 2)).toFixed(1)}`;
  });
  return (
    <div className="meter-of">
      <span className="small quiet">{label}</span>
      <strong className="number">
        {value} {about && <span className="small quiet">{about}</span>}
      </strong>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <polyline points={points.join(' ')} vectorEffect="non-scaling-stroke" />
      </svg>
    </div>
  );
}
