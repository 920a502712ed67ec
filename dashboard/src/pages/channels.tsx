// Channels page: every live channel with its picture and state.
import { useQueryClient } from '@tanstack/react-query';
import { Play, Plus, Radio, RotateCcw, Square } from 'lucide-react';
import { useEffect, useState } from 'react';
import {
  changeChannel,
  isOn,
  pathOf,
  saveChannel,
  useChannelActs,
  useChannelJobs,
  useChannels,
} from '../api/channels.ts';
import { blocking, request } from '../api/http.ts';
import type { Channel, ChannelJob } from '../api/types.ts';
import { go, Link, setQuery, usePlace } from '../router.tsx';
import { bitrate, clock, number, t, tell } from '../text/text.ts';
import { type BulkAct, BulkHead, type BulkKind, Pick } from '../ui/bulk-head.tsx';
import { SearchBox, SegmentedControl } from '../ui/field.tsx';
import { May, useMay } from '../ui/may.tsx';
import { Bones, Empty, PageHead } from '../ui/parts.tsx';
import { Picture } from '../ui/picture.tsx';
import { Problem, reason } from '../ui/problem.tsx';
import { type Selection, useSelection } from '../ui/selection.ts';
import { toastError } from '../ui/toasts.tsx';
import { MachineLoad } from './channels/machine-load.tsx';
import { State } from './channels/state.tsx';

const FILTERS = ['all', 'on', 'trouble', 'off'] as const;
type Filter = (typeof FILTERS)[number];
const isTroubled = ({ status }: ChannelJob): boolean => status === 'error' || status === 'retrying';
const FITS: Readonly<Record<Filter, (job: ChannelJob) => boolean>> = {
  all: () => true,
  on: isOn,
  trouble: isTroubled,
  off: (job) => !isOn(job),
};

export default function Channels() {
  const channels = useChannels();
  const jobs = useChannelJobs();
  const problem = blocking(channels);
  const { query } = usePlace();
  const wanted = (query.get('search') ?? '').toLowerCase();
  const filter = FILTERS.find((one) => one === query.get('show')) ?? 'all';
  const jobOf = (channel: Channel) => jobs.data?.find((job) => job.channel === channel.id);
  const shown = (channels.data ?? []).filter((channel) => {
    const job = jobOf(channel);
    const isFound = `${channel.name} ${channel.input_type} ${kindsOf(channel)}`.toLowerCase().includes(wanted);
    return isFound && (filter === 'all' || (job !== undefined && FITS[filter](job)));
  });
  return (
    <>
      <PageHead title={t('nav.channels')} about={t('channels.about')}>
        <May scope="write">
          <Link className="button primary" to="/channels/new">
            <Plus size={16} aria-hidden /> {t('channels.new')}
          </Link>
        </May>
      </PageHead>
      {problem !== null && <Problem error={problem} retry={() => void channels.refetch()} />}
      {channels.isLoading && <Bones rows={6} height={2} />}
      {channels.data?.length === 0 && (
        <div className="card">
          <Empty icon={Radio} title="channels.empty.title" text="channels.empty.text">
            <May scope="write">
              <TryChannel />
              <Link className="button" to="/channels/new">
                {t('channels.new')}
              </Link>
            </May>
          </Empty>
        </div>
      )}
      {channels.data && channels.data.length > 0 && (
        <>
          <MachineLoad />
          <div className="row">
            <SegmentedControl
              label={t('channels.filter')}
              value={filter}
              options={FILTERS.map((one) => [one, t(`channels.filter.${one}`)] as const)}
              onChange={(show) => setQuery({ show: show === 'all' ? null : show })}
            />
            <SearchBox
              value={query.get('search') ?? ''}
              label={t('channels.search')}
              onSearch={(search) => setQuery({ search })}
            />
          </div>
          <List
            key={`${filter} ${wanted}`}
            rows={shown.map((channel) => ({ channel, job: jobOf(channel) }))}
            refresh={() => void jobs.refetch()}
          />
        </>
      )}
    </>
  );
}

type Shown = { channel: Channel; job: ChannelJob | undefined };
const idOf = ({ channel }: Shown): string => String(channel.id);
const nameOf = ({ channel }: Shown): string => channel.name;
const placeOf = ({ channel }: Shown): string => `/channels/${channel.id}`;
const runs = ({ job }: Shown): boolean => job !== undefined && isOn(job);

const acts = (): BulkAct<Shown>[] => [
  {
    label: t('channel.start'),
    icon: Play,
    fits: ({ job }) => job !== undefined && !isOn(job),
    act: ({ channel }) => changeChannel(channel.job, 'start'),
  },
  {
    label: t('channel.restart'),
    icon: RotateCcw,
    fits: runs,
    act: ({ channel }) => changeChannel(channel.job, 'restart'),
  },
  {
    label: t('channel.stop'),
    icon: Square,
    fits: runs,
    act: ({ channel }) => changeChannel(channel.job, 'stop'),
    sure: t('bulk.sure.stop'),
  },
];
const KIND: BulkKind<Shown> = { acts, nameOf, placeOf };

function List({ rows, refresh }: { rows: readonly Shown[]; refresh: () => void }) {
  const mayWrite = useMay('write');
  const selection = useSelection(rows, idOf);
  return (
    <>
      {mayWrite && <BulkHead kind={KIND} selection={selection} shown={rows} refresh={refresh} />}
      <ul className="channel-grid" aria-label={t('channels.list')}>
        {rows.map((row) => (
          <ChannelCard key={row.channel.id} {...row} selection={mayWrite ? selection : null} />
        ))}
      </ul>
      {rows.length === 0 && <p className="quiet">{t('channels.nothing')}</p>}
    </>
  );
}

/** Where it goes, each kind once. */
function kindsOf({ is_abr: isAbr, abr, output_type: type }: Channel): string {
  const kinds = isAbr ? abr.map(({ output_type: own }) => own ?? type) : [type];
  return [...new Set(kinds)].map((kind) => kind.toUpperCase()).join(' + ');
}

function ChannelCard({ channel, job, selection }: Shown & { selection: Selection<Shown> | null }) {
  const { act } = useChannelActs();
  const on = job !== undefined && isOn(job);
  const { name } = channel;
  return (
    <li
      className="card channel-card"
      data-picked={selection?.has({ channel, job }) || undefined}
      data-channel={channel.id}
      data-state={job?.status ?? 'stopped'}
    >
      {selection && <Pick selection={selection} item={{ channel, job }} name={name} />}
      <Link className="pic" to={`/channels/${channel.id}`} aria-hidden tabIndex={-1}>
        <Radio size={30} aria-hidden />
        {on && <Thumbnail channel={channel} />}
        {job?.status === 'running' && <span className="length number">{clock(job.uptime_seconds)}</span>}
      </Link>
      <div className="about">
        <div className="row between nowrap">
          <Link className="name cut" to={`/channels/${channel.id}`}>
            {name}
          </Link>
          <State of={job?.status ?? 'stopped'} />
        </div>
        <span className="small quiet cut">
          {tell('channel.input_type', channel.input_type)} <span className="towards">→</span> {kindsOf(channel)}
          {channel.is_abr && ` · ${t('channel.renditions', { n: channel.abr.length })}`}
        </span>
        {job?.error_message && on === (job.status === 'retrying') ? (
          <span className="small bad-text clamp" title={job.error_message}>
            {reason(job.error_code, job.error_message)}
          </span>
        ) : (
          <span className="small number figures">{job?.status === 'running' ? figuresOf(job) : '\u00a0'}</span>
        )}
      </div>
      {job && (
        <May scope="write">
          <div className="row acts">
            <button
              type="button"
              className="button small"
              aria-label={t(on ? 'channel.stop.of' : 'channel.start.of', { name })}
              onClick={() => void act(job, on ? 'stop' : 'start')}
            >
              {t(on ? 'channel.stop' : 'channel.start')}
            </button>
            {on && (
              <button
                type="button"
                className="button small plain"
                aria-label={t('channel.restart.of', { name })}
                onClick={() => void act(job, 'restart')}
              >
                <RotateCcw size={14} aria-hidden /> {t('channel.restart')}
              </button>
            )}
          </div>
        </May>
      )}
    </li>
  );
}

function figuresOf({ fps, bitrate: rate, speed }: ChannelJob): string {
  const parts = [
    fps === null ? null : `${number(Math.round(fps))} fps`,
    rate === null ? null : bitrate(rate * 1000),
    speed === null ? null : `${number(speed)}×`,
  ];
  return parts.filter((part) => part !== null).join(' · ');
}

const LEAST_SECONDS = 5;

/** Taken by the channel itself now and then; asked for as often as there can be a new one. */
function Thumbnail({ channel }: { channel: Channel }) {
  const [turn, setTurn] = useState(0);
  const seconds = Math.max(LEAST_SECONDS, Number(channel.thumbnail_seconds) || 0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setTurn((count) => count + 1);
    }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  const path = pathOf(channel.thumbnail_url);
  if (path === null) return null;
  return <Picture path={`${path}${path.includes('?') ? '&' : '?'}turn=${turn}`} />;
}

/** One click to something that moves. */
function TryChannel() {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const begin = async () => {
    setBusy(true);
    try {
      const made = await saveChannel(null, {
        name: t('channels.try.name'),
        input_type: 'test',
        output_type: 'hls',
        resolution: '640x360',
        video_bitrate: 800,
        preset: 'ultrafast',
        thumbnail_seconds: 5,
      });
      await request(`/api/job/${made.job}/start/`, { method: 'POST' });
      void client.invalidateQueries({ queryKey: ['channels'] });
      void client.invalidateQueries({ queryKey: ['channel-jobs'] });
      go(`/channels/${made.id}`);
    } catch (error) {
      toastError(error);
      setBusy(false);
    }
  };
  return (
    <button type="button" className="button primary" disabled={busy} onClick={() => void begin()}>
      {t('channels.try')}
    </button>
  );
}
