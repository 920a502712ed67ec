// Channels and their jobs as pages use them.
import { type QueryClient, useQuery } from '@tanstack/react-query';
import { t } from '../text/text.ts';
import { toast, toastError } from '../ui/toasts.tsx';
import { request } from './http.ts';
import type { Channel, ChannelJob, ChannelStatus } from './types.ts';

const LOOK = 2000;

export const useChannels = () =>
  useQuery({ queryKey: ['channels'], queryFn: () => request<Channel[]>('/api/channels/'), refetchInterval: 10_000 });
export const useChannelJobs = () =>
  useQuery({ queryKey: ['channel-jobs'], queryFn: () => request<ChannelJob[]>('/api/job/'), refetchInterval: LOOK });
export const useChannel = (id: string) =>
  useQuery({ queryKey: ['channel', id], queryFn: () => request<Channel>(`/api/channels/${id}/`), enabled: id !== '' });

export const isOn = (status: ChannelStatus): boolean => ['pending', 'running', 'retrying'].includes(status);
/** Something can be seen of it: in the page, not on another machine. */
export const plays = (channel: Channel): boolean =>
  channel.output_type === 'hls' || channel.abr.some(({ output_type }) => output_type === 'hls');

export type ChannelAct = 'start' | 'stop' | 'restart';

export async function actOnChannel(client: QueryClient, job: ChannelJob, act: ChannelAct): Promise<void> {
  const status: ChannelStatus = act === 'stop' ? 'stopped' : 'pending';
  client.setQueryData<ChannelJob[]>(['channel-jobs'], (known) =>
    known?.map((one) => (one.id === job.id ? { ...one, status } : one)),
  );
  try {
    await request(`/api/job/${job.id}/${act}/`, { method: 'POST' });
    toast(t(`channel.did.${act}`));
  } catch (error) {
    toastError(error);
  } finally {
    void client.invalidateQueries({ queryKey: ['channel-jobs'] });
  }
}
