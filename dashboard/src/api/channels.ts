// Live channels: the list, one of them, its job and what can be done with it, the load of the machine, the history.
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { t } from '../text/text.ts';
import { toast, toastError } from '../ui/toasts.tsx';
import { read, request } from './http.ts';
import { inTurn } from './in-turn.ts';
import { leave, useIsStaying } from './leaving.ts';
import type { Channel, ChannelJob, ChannelStatus, Metrics } from './types.ts';

const JOBS = ['channel-jobs'];
/** Milliseconds between looks at the figures of what runs; states come by themselves. */
const LOOK = 3000;
const SAMPLE = 2000;
const MOST_SAMPLES = 450;

const leavingId = (id: number): string => `channel ${id}`;

export function useChannels() {
  const isStaying = useIsStaying();
  const { data, ...rest } = useQuery({
    queryKey: ['channels'],
    queryFn: () => request<Channel[]>('/api/channels/'),
  });
  return { ...rest, data: data?.filter(({ id }) => isStaying(leavingId(id))) };
}
export const useChannel = (id: string) =>
  useQuery({ queryKey: ['channel', id], queryFn: () => request<Channel>(`/api/channels/${encodeURIComponent(id)}/`) });
export const useInterfaces = () =>
  useQuery({
    queryKey: ['network-interfaces'],
    queryFn: () => read('GET /api/network-interfaces'),
    staleTime: 60_000,
  });

/** It is to run, or still does. */
export const isOn = ({ status }: Pick<ChannelJob, 'status'>): boolean =>
  status === 'running' || status === 'pending' || status === 'retrying';

/** Of every channel; asked for only where this server serves channels. */
export const useChannelJobs = (isServed = true) =>
  useQuery({
    queryKey: JOBS,
    queryFn: () => request<ChannelJob[]>('/api/job/'),
    enabled: isServed,
    refetchInterval: ({ state }) => (state.data?.some(isOn) ? LOOK : false),
  });

/** What its stream told, where the list holds it. */
export function patchChannelJob(client: QueryClient, job: ChannelJob): void {
  client.setQueryData<ChannelJob[]>(JOBS, (known) => known?.map((one) => (one.id === job.id ? job : one)));
}

type ChannelAct = 'start' | 'stop' | 'restart';
const BECOMES: Readonly<Record<ChannelAct, ChannelStatus>> = { start: 'pending', stop: 'stopped', restart: 'pending' };

export const changeChannel = (job: number, name: ChannelAct): Promise<ChannelJob> =>
  request<ChannelJob>(`/api/job/${job}/${name}/`, { method: 'POST' });

/** Shows at once what will be; where the server says no, it is as before and says why. */
export function useChannelActs() {
  const client = useQueryClient();
  const act = async (job: ChannelJob, name: ChannelAct) => {
    // What is asked now would bring the state of before.
    await client.cancelQueries({ queryKey: JOBS });
    patchChannelJob(client, { ...job, status: BECOMES[name], error_message: null });
    try {
      patchChannelJob(client, await inTurn(`channel ${job.id}`, () => changeChannel(job.id, name)));
      toast(t(`channel.did.${name}`, { name: job.channel_name }));
    } catch (error) {
      patchChannelJob(client, job);
      toastError(error);
    } finally {
      void client.invalidateQueries({ queryKey: ['channels'] });
    }
  };
  const remove = (channel: Pick<Channel, 'id' | 'name'>) =>
    leave({
      id: leavingId(channel.id),
      text: t('channel.deleted', { name: channel.name }),
      act: () => request(`/api/channels/${channel.id}/`, { method: 'DELETE', keepalive: true }),
      refresh: () => client.invalidateQueries({ queryKey: ['channels'] }),
    });
  return { act, remove };
}

/** Fields as the API names them; `abr` whole. @throws ApiError naming each field that is wrong */
export const saveChannel = (id: string | null, fields: Readonly<Record<string, unknown>>): Promise<Channel> =>
  request<Channel>(id === null ? '/api/channels/' : `/api/channels/${encodeURIComponent(id)}/`, {
    method: id === null ? 'POST' : 'PUT',
    json: fields,
  });

export type Sample = Metrics & { at: number };
/** The load of the machine over the last quarter of an hour, as far as this page has seen it. */
export const useMetrics = () =>
  useQuery({
    queryKey: ['channel-metrics'],
    queryFn: async ({ client }): Promise<Sample[]> => {
      const { cpu, memory, network } = await read('GET /api/metrics');
      const known = client.getQueryData<Sample[]>(['channel-metrics']) ?? [];
      return [...known, { cpu, memory, network, at: Date.now() / 1000 }].slice(-MOST_SAMPLES);
    },
    refetchInterval: SAMPLE,
    staleTime: SAMPLE,
    gcTime: 900_000,
  });

/** What became of a channel, newest first. */
export const useHistory = (job: number) =>
  useQuery({
    // Asked again with the channel itself: at each of its events.
    queryKey: ['channel', 'history', job],
    queryFn: () => read('GET /api/job/{id}/history', { id: job }).then(({ events }) => events),
  });

/** An address of the server as a path: the page may be open under another name than the server knows itself by. */
export function pathOf(url: string | null): string | null {
  const parsed = url === null ? null : URL.parse(url, location.href);
  return parsed ? parsed.pathname + parsed.search : null;
}
