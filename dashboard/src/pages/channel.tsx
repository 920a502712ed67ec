// One channel: watched, started and stopped; its figures over time and its log.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Pencil, Play, RotateCcw, Square, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { actOnChannel, isOn, plays, useChannel, useChannelJobs } from '../api/channels.ts';
import { request } from '../api/http.ts';
import type { Channel, ChannelJob } from '../api/types.ts';
import { ownPath } from '../api/videos.ts';
import { Player } from '../player/player.tsx';
import { go, Link } from '../router.tsx';
import type { PageProps } from '../shell/pages.ts';
import { bytes, clock, moment, number, t } from '../text/text.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Bones, Card, PageHead, Problem, Status } from '../ui/parts.tsx';
import { Plot } from '../ui/plot.tsx';
import { toast, toastError } from '../ui/toasts.tsx';
import { History } from './channels/history.tsx';

type Figures = ChannelJob & { cpu_percent?: number | null; memory_bytes?: number | null; restarts?: number };
type Sample = { at: number; fps: number | null; speed: number | null; bitrate: number | null; cpu: number | null };
const MOST_SAMPLES = 900;

export default function ChannelPage({ params }: PageProps) {
  const id = params.id ?? '';
  const channel = useChannel(id);
  const jobs = useChannelJobs();
  const job = jobs.data?.find((one) => String(one.channel) === id) as Figures | undefined;
  const samples = useSamples(job);
  const back = { to: '/channels', label: t('nav.channels') };
  if (channel.error)
    return (
      <>
        <PageHead title={t('nav.channels')} back={back} />
        <Problem error={channel.error} retry={() => void channel.refetch()} />
      </>
    );
  if (!channel.data) return <Bones rows={8} />;
  const { data } = channel;
  const runs = job !== undefined && isOn(job.status);
  return (
    <>
      <PageHead title={data.name} back={back} about={<About job={job} />}>
        {job && <Actions channel={data} job={job} />}
      </PageHead>
      {job?.error_message && <Problem error={new Error(job.error_message)} />}
      <div className="watch">
        <div className="stack">
          {runs && plays(data) ? (
            <Player url={playbackPath(data)} live label={data.name} />
          ) : (
            <p className="notice">{t(runs ? 'channel.elsewhere' : 'channel.off')}</p>
          )}
        </div>
        <Facts channel={data} job={job} />
      </div>
      {samples.length > 1 && <Plots samples={samples} />}
      <Log job={job} />
      {job && <History channelId={data.id} />}
    </>
  );
}

const playbackPath = (channel: Channel): string =>
  typeof channel.playback_url === 'string' ? ownPath(channel.playback_url) : `/live/${channel.id}/master.m3u8`;

function About({ job }: { job: Figures | undefined }) {
  return (
    <span className="row small">
      <Status of={job?.status ?? 'stopped'} />
      {job?.start_time && t('channel.since', { time: moment(job.start_time) })}
      {job !== undefined && job.retries > 0 && ` · ${t('channel.retries', { n: job.retries })}`}
    </span>
  );
}

function Actions({ channel, job }: { channel: Channel; job: ChannelJob }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = async () => {
    try {
      await request(`/api/channels/${channel.id}/`, { method: 'DELETE' });
      toast(t('channel.deleted', { name: channel.name }));
      void client.invalidateQueries({ queryKey: ['channels'] });
      go('/channels');
    } catch (error) {
      setAsking(false);
      toastError(error);
    }
  };
  return (
    <>
      {isOn(job.status) ? (
        <>
          <button type="button" className="button" onClick={() => void actOnChannel(client, job, 'stop')}>
            <Square size={16} aria-hidden /> {t('channel.stop')}
          </button>
          <button type="button" className="button" onClick={() => void actOnChannel(client, job, 'restart')}>
            <RotateCcw size={16} aria-hidden /> {t('channel.restart')}
          </button>
        </>
      ) : (
        <button type="button" className="button primary" onClick={() => void actOnChannel(client, job, 'start')}>
          <Play size={16} aria-hidden /> {t('channel.start')}
        </button>
      )}
      <Link className="button" to={`/channels/${channel.id}/edit`}>
        <Pencil size={16} aria-hidden /> {t('act.edit')}
      </Link>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        <Trash2 size={16} aria-hidden /> {t('act.delete')}
      </button>
      {asking && (
        <Dialog label={t('act.delete')} onClose={() => setAsking(false)}>
          <div className="inside">
            <h2>{t('channel.delete.sure', { name: channel.name })}</h2>
            <p className="quiet">{t('channel.delete.about')}</p>
            <div className="row">
              <button type="button" className="button danger" onClick={() => void remove()}>
                {t('act.delete')}
              </button>
              <button type="button" className="button" onClick={() => setAsking(false)}>
                {t('act.back')}
              </button>
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}

function Facts({ channel, job }: { channel: Channel; job: Figures | undefined }) {
  const text = (name: string) => (channel[name] === null || channel[name] === undefined ? '' : String(channel[name]));
  const rows: [string, string][] = [
    [
      t('channel.input'),
      `${channel.input_type} ${text('input_url') || text('input_multicast_ip') || text('input_file')}`,
    ],
    [t('channel.output'), `${channel.output_type} ${text('output_url') || text('output_multicast_ip')}`],
    [t('channel.video'), `${text('video_codec')} · ${number(Number(channel.video_bitrate ?? 0))} kb/s`],
    [t('channel.sound'), `${text('audio_codec')} · ${number(Number(channel.audio_bitrate ?? 0))} kb/s`],
  ];
  if (job?.uptime_seconds) rows.push([t('channel.uptime'), clock(job.uptime_seconds)]);
  if (typeof job?.cpu_percent === 'number') rows.push([t('channel.cpu'), `${number(job.cpu_percent)} %`]);
  if (typeof job?.memory_bytes === 'number') rows.push([t('load.memory'), bytes(job.memory_bytes)]);
  if (job?.ffmpeg_pid) rows.push(['PID', String(job.ffmpeg_pid)]);
  return (
    <Card title={t('video.facts')}>
      <dl className="facts body">
        {rows.map(([name, value]) => (
          <div key={name} style={{ display: 'contents' }}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {channel.abr.length > 0 && (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{t('channel.resolution')}</th>
                <th scope="col" className="number">
                  {t('channel.video')}
                </th>
                <th scope="col" className="number">
                  {t('channel.sound')}
                </th>
              </tr>
            </thead>
            <tbody>
              {channel.abr.map((profile, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: profiles are known by their place
                <tr key={i}>
                  <th scope="row">{profile.resolution ?? t('channel.source')}</th>
                  <td className="number">{profile.video_bitrate ?? ''}</td>
                  <td className="number">{profile.audio_bitrate ?? ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

/** Its figures, kept as long as the page is open. */
function useSamples(job: Figures | undefined): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    if (job?.status !== 'running') return;
    const { fps, speed, bitrate, cpu_percent } = job;
    const sample = { at: Date.now() / 1000, fps, speed, bitrate, cpu: cpu_percent ?? null };
    setSamples((known) => [...known, sample].slice(-MOST_SAMPLES));
  }, [job]);
  return samples;
}

function Plots({ samples }: { samples: readonly Sample[] }) {
  const times = samples.map(({ at }) => at);
  const of = (name: 'fps' | 'speed' | 'bitrate' | 'cpu', format: (value: number) => string) => [
    { label: '', values: samples.map((sample) => sample[name]), format },
  ];
  return (
    <Card title={t('channel.figures')}>
      <div className="body grid-2">
        <Plot label={t('channel.fps.title')} times={times} series={of('fps', (value) => number(value))} />
        <Plot
          label={t('channel.bitrate')}
          times={times}
          series={of('bitrate', (value) => `${number(Math.round(value))} kb/s`)}
        />
        <Plot label={t('channel.speed')} times={times} series={of('speed', (value) => `${number(value)}×`)} />
        <Plot label={t('channel.cpu')} times={times} series={of('cpu', (value) => `${number(Math.round(value))} %`)} />
      </div>
    </Card>
  );
}

function Log({ job }: { job: ChannelJob | undefined }) {
  const { data } = useQuery({
    queryKey: ['channel-log', job?.id],
    queryFn: () => request<string>(`/api/job/${job?.id}/log/?tail=300`),
    enabled: job !== undefined,
    refetchInterval: 3000,
    retry: 0,
  });
  return (
    <Card title={t('job.tab.log')}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard */}
      <pre className="log" role="log" tabIndex={0} aria-label={t('job.tab.log')}>
        {typeof data === 'string' && data !== '' ? data : t('log.empty')}
      </pre>
    </Card>
  );
}
