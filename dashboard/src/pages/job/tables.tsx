// The tables of a job: outputs, what was found in its source, its plan.
import { Download, Info, TriangleAlert } from 'lucide-react';
import { openFile } from '../../api/http.ts';
import type { Finding, Job, Output, PlanSummary, Rendition } from '../../api/types.ts';
import { bitrate, bytes, clock, number, pixels, t, told } from '../../text/text.ts';
import { CopyButton } from '../../ui/code.tsx';
import { Card, Progress, Status } from '../../ui/parts.tsx';
import { Failure } from '../../ui/problem.tsx';
import { Table } from '../../ui/table.tsx';
import { toastError } from '../../ui/toasts.tsx';

const FINAL = ['uploaded', 'failed', 'canceled'];

export function Outputs({ job }: { job: Job }) {
  return (
    <div className="stack">
      {job.outputs.map((output) => (
        <Card
          key={output.id}
          title={t('output.title', { n: output.index + 1, container: output.spec.container.toUpperCase() })}
          side={<Status of={output.status} />}
        >
          <div className="body stack">
            {!FINAL.includes(output.status) && (
              <Progress value={output.progress} label={t('output.progress', { n: output.index + 1 })} />
            )}
            {output.error && (
              <div className="failure">
                <Failure of={output.error} />
              </div>
            )}
            {output.result && <Result output={output} result={output.result} />}
          </div>
          {output.result && output.result.renditions.length > 0 && <Renditions rows={output.result.renditions} />}
        </Card>
      ))}
    </div>
  );
}

function Result({ output, result }: { output: Output; result: NonNullable<Output['result']> }) {
  const isOurs = /^https?:/.test(result.url) && result.files.some(({ url }) => url !== undefined);
  // The server may be reached under another name than the one it was asked under.
  const path = isOurs ? new URL(result.url).pathname : null;
  const isFile = result.files.length === 1;
  // It says the length of what it was taken from.
  const isPicture = result.files[0]?.mediaType.startsWith('image/') ?? false;
  const save = async () => {
    const link = document.createElement('a');
    link.href = await openFile(`${path}?download`);
    link.download = result.files[0]?.name ?? `output.${output.spec.container}`;
    link.click();
  };
  return (
    <>
      <div className="row">
        <span className="number">
          {result.width !== null && `${pixels(result.width, result.height)} · `}
          {result.duration > 0 && !isPicture && `${clock(result.duration)} · `}
          {bytes(result.size)}
        </span>
        {path && isFile && (
          <button type="button" className="button small" onClick={() => void save().catch(toastError)}>
            <Download size={14} aria-hidden /> {t('act.download')}
          </button>
        )}
        <CopyButton text={result.url} label={t('act.copy.link')} />
      </div>
      <code className="small quiet wrap-anywhere">{result.url}</code>
    </>
  );
}

export function Renditions({ rows }: { rows: readonly Rendition[] }) {
  return (
    <Table
      columns={[
        'rendition.name',
        'rendition.size',
        { name: 'rendition.average', className: 'number' },
        { name: 'rendition.peak', className: 'number' },
        'rendition.codecs',
      ]}
    >
      {rows.map((one) => (
        <tr key={one.name}>
          <th scope="row">{one.name}</th>
          <td className="quiet">{one.width > 0 ? pixels(one.width, one.height) : ''}</td>
          <td className="number">{bitrate(one.averageBitrate)}</td>
          <td className="number">{bitrate(one.peakBitrate)}</td>
          <td>
            <code>{one.codecs}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return <p className="quiet">{t('findings.none')}</p>;
  return (
    <div className="stack">
      {findings.map(({ code, severity, detail, action }) => {
        const Icon = severity === 'warning' ? TriangleAlert : Info;
        const name = told('finding', code);
        const does = told('finding.does', `${code}.${severity}`) ?? told('finding.does', code);
        return (
          <div key={code} className={`notice ${severity === 'warning' ? 'wait' : ''}`}>
            <Icon size={18} aria-hidden />
            <div>
              <strong lang={name === null ? 'en' : undefined}>{name ?? detail}</strong>
              <span className="small" lang={does === null ? 'en' : undefined}>
                {does ?? action}
              </span>
              {name !== null && (
                <span className="small quiet" lang="en">
                  {detail}
                </span>
              )}
            </div>
          </div>
        );
      })}
    </div>
  );
}

export function Plan({ plan }: { plan: PlanSummary }) {
  const [timeline] = plan.timelines;
  return (
    <Card title={t('plan.title')}>
      <dl className="facts body">
        {timeline && timeline.frames > 0 && (
          <>
            <dt>{t('plan.timeline')}</dt>
            <dd>
              {t('plan.timeline.text', {
                time: clock(timeline.duration),
                fps: typeof timeline.fps === 'number' ? timeline.fps : String(timeline.fps),
                segments: timeline.segments,
                chunks: timeline.chunks,
              })}
            </dd>
          </>
        )}
        <dt>{t('plan.cost')}</dt>
        <dd>
          {t('plan.cost.text', {
            cpu: Math.max(1, Math.round(plan.cost.cpuSeconds)),
            bytes: bytes(plan.cost.outputBytes),
            tasks: plan.tasks,
          })}
        </dd>
      </dl>
      {plan.renditions.length > 0 && (
        <Table
          columns={[
            'rendition.name',
            'rendition.size',
            'plan.codec',
            'plan.how',
            { name: 'plan.cap', className: 'number' },
          ]}
        >
          {plan.renditions.map((one, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two outputs may have renditions of one name; the plan never changes
            <tr key={i}>
              <th scope="row">{one.name}</th>
              <td className="quiet">{pixels(one.width, one.height)}</td>
              <td>{one.codec}</td>
              <td>{one.method === 'copied' ? t('plan.copied') : (one.hardware ?? one.preset)}</td>
              <td className="number">{one.method === 'copied' ? '' : bitrate(one.maxBitrate)}</td>
            </tr>
          ))}
          {plan.audio.map((one) => (
            <tr key={`${one.name} ${one.codec}`}>
              <th scope="row">{one.name}</th>
              <td className="quiet">{t('plan.channels', { n: one.channels })}</td>
              <td>{one.codec}</td>
              <td>{one.method === 'copied' ? t('plan.copied') : ''}</td>
              <td className="number">{one.bitrate > 0 ? bitrate(one.bitrate) : number(0)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}
