// What happened to a channel: starts, retries, changes of input, ends. Used by the channel page.
import { useHistory } from '../../api/channels.ts';
import { blocking } from '../../api/http.ts';
import type { ChannelMoment } from '../../api/types.ts';
import { moment, t, tell } from '../../text/text.ts';
import { Card } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';

const TONES: Readonly<Record<string, string>> = {
  running: 'good',
  recovered: 'good',
  retrying: 'wait',
  failover: 'wait',
  pending: 'info',
  error: 'bad',
  down: 'bad',
};

export function History({ job }: { job: number }) {
  const { data, error } = useHistory(job);
  return (
    <Card title={t('channel.history')}>
      {blocking({ data, error }) !== null && (
        <div className="body">
          <Problem error={error} />
        </div>
      )}
      {data?.length === 0 && <p className="body quiet">{t('channel.history.none')}</p>}
      {data && data.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard
        <ol className="moments" tabIndex={0} aria-label={t('channel.history')}>
          {data.map((one) => (
            <Moment key={one.id} moment={one} />
          ))}
        </ol>
      )}
    </Card>
  );
}

function Moment({ moment: { type, timestamp, data } }: { moment: ChannelMoment }) {
  const name = type.replace(/^channel\./, '');
  const input = tell('channel.input', String(data.input ?? ''));
  const word = tell('channel.event', name).replace('{input}', input);
  const error = data.error as { message?: string } | undefined;
  return (
    <li className={TONES[name] ?? ''}>
      <span>
        <strong>{word}</strong>
        {error?.message && <span className="small quiet">{error.message}</span>}
      </span>
      <time className="small quiet number" dateTime={timestamp}>
        {moment(timestamp)}
      </time>
    </li>
  );
}
