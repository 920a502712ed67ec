// How busy every machine was in the last hour, kept up with by what is new. Used by the page of machines.
import { useQuery } from '@tanstack/react-query';
import { read } from './http.ts';
import type { Load } from './types.ts';

export type MachineLoad = Load['machines'][number];
type Sample = MachineLoad['samples'][number];
const HOUR = 3_600_000;
/** A machine may store a sample later than another one its next. */
const LATE_MS = 30_000;

export const useLoad = () =>
  useQuery({
    queryKey: ['load'],
    queryFn: ({ client }) => readLoad(client.getQueryData<Load>(['load'])),
    refetchInterval: 5000,
  });

async function readLoad(known: Load | undefined): Promise<Load> {
  const newest = Math.max(0, ...(known?.machines ?? []).map(({ samples }) => Date.parse(samples.at(-1)?.at ?? '')));
  const after = newest > 0 ? new Date(newest - LATE_MS).toISOString() : undefined;
  const fresh = await read('GET /system/load', {}, { after });
  // With more machines each figure stands for more seconds: then all are read anew.
  if (!known || after === undefined) return fresh;
  if (fresh.interval !== known.interval) return read('GET /system/load');
  const names = new Set([...known.machines, ...fresh.machines].map(({ hostname }) => hostname));
  const of = ({ machines }: Load, name: string) => machines.find(({ hostname }) => hostname === name);
  const machines = [...names].sort().flatMap((name) => {
    const [before, now] = [of(known, name), of(fresh, name)];
    const facts = now ?? before;
    const samples = merge(before?.samples ?? [], now?.samples ?? []);
    return facts && samples.length > 0 ? [{ ...facts, samples }] : [];
  });
  return { ...fresh, machines };
}

function merge(before: readonly Sample[], now: readonly Sample[]): Sample[] {
  const first = now[0]?.at;
  const oldest = new Date(Date.now() - HOUR).toISOString();
  const kept = first === undefined ? before : before.filter(({ at }) => at < first);
  return [...kept, ...now].filter(({ at }) => at > oldest);
}
