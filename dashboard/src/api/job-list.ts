// The list of all jobs, and what acts on many of them need: all that fit a filter, and lists that are read anew. Used by the page of jobs.
import { type QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { blocking } from './http.ts';
import { fetchJobs, type JobFilter, PAGE, useNewestPage } from './jobs.ts';
import { useIsStaying } from './leaving.ts';
import type { Job } from './types.ts';

/** All that was scrolled to: the newest page stays fresh, older ones are read once and hear of new states by events. */
export function useJobList(filter: JobFilter) {
  const isStaying = useIsStaying();
  const newest = useNewestPage(filter, PAGE);
  const cursor = newest.data?.nextCursor ?? null;
  const older = useInfiniteQuery({
    queryKey: ['older-jobs', filter],
    queryFn: ({ pageParam }) => fetchJobs(filter, pageParam, 200),
    initialPageParam: cursor ?? '',
    getNextPageParam: (page) => page.nextCursor,
    enabled: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const first = newest.data?.jobs ?? [];
  const last = first.at(-1)?.id ?? Number.POSITIVE_INFINITY;
  const rest = older.data?.pages.flatMap(({ jobs }) => jobs) ?? [];
  // New jobs push others off the newest page: those now lie between it and the older ones.
  const anchor = Number(older.data?.pageParams[0] ?? last);
  const between = useQuery({
    queryKey: ['jobs', filter, 'between', last, anchor],
    queryFn: () => fetchJobs(filter, String(last), 200),
    enabled: last > anchor && Number.isFinite(last),
    placeholderData: (before) => before,
  });
  const middle = last > anchor ? (between.data?.jobs ?? []).filter(({ id }) => id >= anchor && id < last) : [];
  const jobs = [...first, ...middle, ...rest.filter(({ id }) => id < Math.min(last, anchor))];
  const isMore = older.data ? older.hasNextPage : cursor !== null;
  return {
    jobs: jobs.filter(({ uuid }) => isStaying(uuid)),
    isMore,
    error: blocking(newest),
    isLoading: newest.isLoading,
    refetch: newest.refetch,
    more: () => {
      if (isMore && !older.isFetching) void older.fetchNextPage();
    },
  };
}

const MOST_OF_A_PAGE = 200;
/** Every job that fits, also those that no list shows yet. */
export async function collectJobs(filter: JobFilter): Promise<Job[]> {
  const found: Job[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchJobs(filter, cursor, MOST_OF_A_PAGE);
    found.push(...page.jobs);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

/** After many were changed: what was scrolled to is read anew as well. */
export function refreshJobs(client: QueryClient): void {
  client.removeQueries({ queryKey: ['older-jobs'] });
  for (const key of ['jobs', 'job', 'overview']) void client.invalidateQueries({ queryKey: [key] });
}
