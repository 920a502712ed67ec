// What a channel takes in, what it makes, and how each output fares. Used by the channel page.
import type { Channel, ChannelJob } from '../../api/types.ts';
import { bytes, number, t, tell } from '../../text/text.ts';
import { Card, Status } from '../../ui/parts.tsx';

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

function rowsOf(channel: Channel, job: ChannelJob): readonly (readonly [string, string])[] {
  const source = text(channel.input_multicast_ip) || text(channel.input_url) || text(channel.input_file);
  const codec = (name: 'video_codec' | 'audio_codec') => tell(`channel.${name}`, text(channel[name]));
  const size = text(channel.resolution) || t('channel.resolution.source');
  const rows: (readonly [string, string])[] = [
    [t('channel.fact.input'), [tell('channel.input_type', channel.input_type), source].filter(Boolean).join(' · ')],
    [t('channel.fact.source'), job.source ?? ''],
    [
      t('channel.fact.video'),
      channel.is_abr
        ? `${codec('video_codec')} · ${t('channel.renditions', { n: channel.abr.length })}`
        : `${codec('video_codec')} · ${size} · ${number(Number(channel.video_bitrate))} kb/s`,
    ],
    [t('channel.fact.audio'), `${codec('audio_codec')} · ${number(Number(channel.audio_bitrate))} kb/s`],
    [
      t('channel.fact.machine'),
      [job.machine ?? '', job.ffmpeg_pid === null ? '' : `PID ${job.ffmpeg_pid}`].filter(Boolean).join(' · '),
    ],
    [t('channel.fact.memory'), job.memory_bytes === null ? '' : bytes(job.memory_bytes)],
    [
      t('channel.fact.dropped'),
      job.dropped_frames === null ? '' : `${number(job.dropped_frames)} / ${number(job.duplicated_frames ?? 0)}`,
    ],
    [t('channel.fact.retries'), number(job.retries)],
    [t('channel.fact.restarts'), number(job.restarts)],
  ];
  return rows.filter(([, value]) => value !== '');
}

export function Facts({ channel, job }: { channel: Channel; job: ChannelJob }) {
  return (
    <Card title={t('channel.facts')}>
      <dl className="facts body">
        {rowsOf(channel, job).map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {job.outputs.length > 0 && <Outputs job={job} />}
    </Card>
  );
}

function Outputs({ job }: { job: ChannelJob }) {
  return (
    <ul className="list outputs" aria-label={t('channel.outputs')}>
      {job.outputs.map(({ rendition, type, target, status, error }) => (
        <li key={`${rendition} ${type} ${target}`}>
          <div className="row between nowrap">
            <span className="cut">
              <strong>{rendition}</strong> <span className="quiet small">{type.toUpperCase()}</span>
            </span>
            <Status of={status} />
          </div>
          <span className="small quiet cut" title={target}>
            {target}
          </span>
          {error && <span className="small bad-text">{error}</span>}
        </li>
      ))}
    </ul>
  );
}
