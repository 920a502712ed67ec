// The tables of a job: outputs, findings, plan.
import type { Finding, Output, PlanSummary } from './api.ts';
import { bitrate, bytes, clock } from './format.ts';
import { Bar, Status } from './status.tsx';

export function Outputs({ outputs }: { outputs: readonly Output[] }) {
  return (
    <section aria-labelledby="outputs-title">
      <h2 id="outputs-title">Outputs</h2>
      <ul className="outputs">
        {outputs.map((output) => (
          <li className="card" key={output.id}>
            <div className="heading">
              <h3>{output.spec.container.toUpperCase()}</h3>
              <Status status={output.status} />
            </div>
            {output.status !== 'uploaded' && output.status !== 'failed' && output.status !== 'canceled' && (
              <Bar value={output.progress} label={`Progress of the ${output.spec.container} output`} />
            )}
            {output.error && <p className="bad-text">{output.error.message}</p>}
            {output.result && <Result result={output.result} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Result({ result }: { result: NonNullable<Output['result']> }) {
  const web = /^https?:/.test(result.url);
  // The server may be reached under another name than the one it was asked under.
  const href = web ? new URL(result.url).pathname : result.url;
  return (
    <>
      <p>
        {result.width !== null && `${result.width}×${result.height} · `}
        {result.duration > 0 && `${clock(result.duration)} · `}
        {bytes(result.size)} · {web ? <a href={href}>{result.url}</a> : <code>{result.url}</code>}
      </p>
      {result.renditions.length > 1 && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Rendition</th>
                <th scope="col">Size</th>
                <th scope="col">Average</th>
                <th scope="col">Peak</th>
                <th scope="col">Codec</th>
              </tr>
            </thead>
            <tbody>
              {result.renditions.map((one) => (
                <tr key={one.name}>
                  <th scope="row">{one.name}</th>
                  <td>
                    {one.width}×{one.height}
                  </td>
                  <td>{bitrate(one.averageBitrate)}</td>
                  <td>{bitrate(one.peakBitrate)}</td>
                  <td>{one.codecs}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <section aria-labelledby="findings-title">
      <h2 id="findings-title">What was found</h2>
      <ul className="findings">
        {findings.map(({ code, severity, detail, action }) => (
          <li key={code} className={`card ${severity}`}>
            <strong>{detail}</strong>
            <span>{action}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function PlanTable({ plan }: { plan: PlanSummary }) {
  const chunks = plan.timelines.reduce((sum, timeline) => sum + timeline.chunks, 0);
  return (
    <section aria-labelledby="plan-title">
      <h2 id="plan-title">Plan</h2>
      <p className="hint">
        {plan.tasks} tasks, {chunks} chunks, about {Math.max(1, Math.round(plan.cost.cpuSeconds))} CPU seconds and{' '}
        {bytes(plan.cost.outputBytes)}
      </p>
      {plan.renditions.length > 0 && (
        <div className="card scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Rendition</th>
                <th scope="col">Size</th>
                <th scope="col">Codec</th>
                <th scope="col">How</th>
                <th scope="col">At most</th>
              </tr>
            </thead>
            <tbody>
              {plan.renditions.map((one, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: two outputs may have renditions of one name; the plan never changes
                <tr key={i}>
                  <th scope="row">{one.name}</th>
                  <td>
                    {one.width}×{one.height}
                  </td>
                  <td>{one.codec}</td>
                  <td>{one.method === 'copied' ? 'copied from the source' : (one.hardware ?? one.preset)}</td>
                  <td>{one.method === 'copied' ? '' : bitrate(one.maxBitrate)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
