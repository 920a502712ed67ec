// Live channels: what each shows now and how it fares.
import { useQueryClient } from '@tanstack/react-query';
import { Plus, Radio } from 'lucide-react';
import { useEffect, useState } from 'react';
import { actOnChannel, isOn, useChannelJobs, useChannels } from '../api/channels.ts';
import type { Channel, ChannelJob } from '../api/types.ts';
import { ownPath } from '../api/videos.ts';
import { Link } from '../router.tsx';
import { clock, number, t } from '../text/text.ts';
import { Bones, Empty, PageHead, Problem, Status } from '../ui/parts.tsx';
import { Picture } from '../ui/picture.tsx';

export default function Channels() {
  const channels = useChannels();
  const jobs = useChannelJobs();
  return (
    <>
      <PageHead title={t('nav.channels')} about={t('channels.about')}>
        <Link className="button primary" to="/channels/new">
          <Plus size={16} aria-hidden /> {t('channels.new')}
        </Link>
      </PageHead>
      {channels.error ? (
        <Problem error={channels.error} retry={() => void channels.refetch()} />
      ) : !channels.data ? (
        <Bones rows={6} height={2} />
      ) : channels.data.length === 0 ? (
        <div className="card">
          <Empty icon={Radio} title="channels.empty.title" text="channels.empty.text">
            <Link className="button primary" to="/channels/new">
              {t('channels.new')}
            </Link>
          </Empty>
        </div>
      ) : (
        <ul className="videos" aria-label={t('nav.channels')}>
          {channels.data.map((channel) => (
            <ChannelCard
              key={channel.id}
              channel={channel}
              job={jobs.data?.find((one) => one.channel === channel.id) ?? null}
            />
          ))}
        </ul>
      )}
    </>
  );
}

function ChannelCard({ channel, job }: { channel: Channel; job: ChannelJob | null }) {
  const client = useQueryClient();
  const runs = job !== null && isOn(job.status);
  return (
    <li className="stack">
      <Link className="video-card" to={`/channels/${channel.id}`}>
        <div className="pic">
          <Radio size={28} aria-hidden />
          {runs && <Thumbnail channel={channel} />}
          <Status of={job?.status ?? 'stopped'} />
          {job?.status === 'running' && job.uptime_seconds !== null && (
            <span className="length">{clock(job.uptime_seconds)}</span>
          )}
        </div>
        <div>
          <strong className="cut">{channel.name}</strong>
          <span className="small quiet">
            {channel.input_type.toUpperCase()} → {channel.output_type.toUpperCase()}
            {job?.status === 'running' && job.fps !== null && ` · ${t('channel.fps', { n: Math.round(job.fps) })}`}
            {job?.status === 'running' && job.bitrate !== null && ` · ${number(Math.round(job.bitrate))} kb/s`}
          </span>
        </div>
      </Link>
      {job && (
        <div className="row">
          <button
            type="button"
            className="button small"
            aria-label={`${t(runs ? 'channel.stop' : 'channel.start')}: ${channel.name}`}
            onClick={() => void actOnChannel(client, job, runs ? 'stop' : 'start')}
          >
            {t(runs ? 'channel.stop' : 'channel.start')}
          </button>
        </div>
      )}
    </li>
  );
}

const EVERY_MS = 10_000;

/** Taken by the channel itself now and then. */
function Thumbnail({ channel }: { channel: Channel }) {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn((count) => count + 1), EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  if (typeof channel.thumbnail_url !== 'string') return null;
  const path = ownPath(channel.thumbnail_url);
  return <Picture key={turn} path={`${path}${path.includes('?') ? '&' : '?'}turn=${turn}`} />;
}
