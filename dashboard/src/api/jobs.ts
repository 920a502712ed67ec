// Jobs as pages use them: lists, one job, and what can be done with it.
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { t } from '../text/text.ts';
import { toast, toastError } from '../ui/toasts.tsx';
import { read, request, search } from './http.ts';
import { inTurn } from './in-turn.ts';
import { leave, useIsStaying } from './leaving.ts';
import type { Job, JobStatus } from './types.ts';

export type JobFilter = { status: string; search: string };
export type JobPage = { jobs: Job[]; nextCursor: string | null };
/** Jobs of the newest page of a list. */
export const PAGE = 100;
/** Milliseconds between looks at how far running jobs are; their states come by themselves. */
const LOOK = 2500;

export const fetchJobs = (filter: JobFilter, cursor: string | undefined, limit = PAGE): Promise<JobPage> =>
  request<JobPage>(`/jobs${search({ ...filter, limit, cursor })}`);

const isMoving = ({ status }: Job): boolean => status === 'processing' || status === 'queued';

export const useNewestPage = (filter: JobFilter, limit: number, enabled = true) =>
  useQuery({
    queryKey: ['jobs', filter, limit],
    queryFn: () => fetchJobs(filter, undefined, limit),
    enabled,
    placeholderData: (before) => before,
    refetchInterval: ({ state }) => (state.data?.jobs.some(isMoving) ? LOOK : false),
  });

/** The newest of a kind, kept fresh; none where this server has no API of jobs. */
export function useNewestJobs(filter: JobFilter, limit: number, isServed: boolean) {
  const isStaying = useIsStaying();
  const { data, ...rest } = useNewestPage(filter, limit, isServed);
  return { ...rest, data: data && { ...data, jobs: data.jobs.filter(({ uuid }) => isStaying(uuid)) } };
}

/** A state that was told, into every list that holds the job. */
export function patchJobs(client: QueryClient, uuid: string, status: string): void {
  client.setQueriesData<{ pages: JobPage[]; pageParams: unknown[] }>({ queryKey: ['older-jobs'] }, (known) => {
    if (!known?.pages.some(({ jobs }) => jobs.some((job) => job.uuid === uuid))) return known;
    const pages = known.pages.map((page) => ({
      ...page,
      jobs: page.jobs.flatMap((job) => {
        if (job.uuid !== uuid) return [job];
        return status === 'deleted' ? [] : [{ ...job, status: status as JobStatus }];
      }),
    }));
    return { ...known, pages };
  });
}

export const useJob = (id: string) =>
  useQuery({ queryKey: ['job', id], queryFn: () => read('GET /jobs/{id}', { id }) as Promise<Job> });

export type JobAct = 'cancel' | 'pause' | 'resume' | 'retry';
export const ACTS: Readonly<Record<JobStatus, readonly JobAct[]>> = {
  queued: ['pause', 'cancel'],
  processing: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  failed: ['retry'],
  canceled: ['retry'],
  completed: [],
};
const BECOMES: Readonly<Record<JobAct, JobStatus>> = {
  cancel: 'canceled',
  pause: 'paused',
  resume: 'queued',
  retry: 'queued',
};

/** One of many: those who asked are told of all of them together. */
export const changeJob = ({ uuid }: Pick<Job, 'uuid'>, name: JobAct): Promise<Job> =>
  request<Job>(`/jobs/${uuid}/${name}`, { method: 'POST' });
export const deleteJob = ({ uuid }: Pick<Job, 'uuid'>): Promise<void> =>
  request(`/jobs/${uuid}`, { method: 'DELETE', keepalive: true });

/** Shows at once what will be; where the server says no, it is as before and says why. */
export function useJobActs() {
  const client = useQueryClient();
  const act = async (job: Pick<Job, 'uuid' | 'id'>, name: JobAct) => {
    const key = ['job', job.uuid];
    const before = client.getQueryData<Job>(key);
    if (before) client.setQueryData<Job>(key, { ...before, status: BECOMES[name] });
    try {
      client.setQueryData(key, await inTurn(job.uuid, () => changeJob(job, name)));
      toast(t(`job.did.${name}`, { id: job.id }));
    } catch (error) {
      client.setQueryData(key, before);
      toastError(error);
    } finally {
      void client.invalidateQueries({ queryKey: ['jobs'] });
    }
  };
  const remove = (job: Pick<Job, 'uuid' | 'id'>) =>
    leave({
      id: job.uuid,
      text: t('job.deleted', { id: job.id }),
      act: async () => {
        await deleteJob(job);
        patchJobs(client, job.uuid, 'deleted');
      },
      refresh: () => client.invalidateQueries({ queryKey: ['jobs'] }),
    });
  return { act, remove };
}
