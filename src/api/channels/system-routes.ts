// What the seed's dashboard shows of the machine: interfaces, load, the channels on it. Wired by server.ts through api.ts.
import { z } from 'zod';
import { jobView, livingMachines, viewJob } from '#api/channels/view.ts';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { listChannelJobs } from '#database/channel-jobs.ts';
import { listChannels } from '#database/channels.ts';
import { listInterfaces } from '#workflows/channels/list-interfaces.ts';
import { sampleSystem } from '#workflows/channels/sample-system.ts';

const tags = ['channels'];
const READ = { scope: 'read' } as const;
const interfaceView = z.object({
  name: z.string(),
  ip: z.string(),
  family: z.enum(['IPv4', 'IPv6']),
  is_up: z.boolean(),
  multicast: z.boolean(),
});
const metricsView = z.object({
  cpu: z.object({ percent: z.number(), per_core: z.array(z.number()) }),
  memory: z.object({ total: z.number(), used: z.number(), percent: z.number() }),
  network: z.object({
    interfaces: z.array(z.object({ name: z.string(), rx_bytes_per_s: z.number(), tx_bytes_per_s: z.number() })),
  }),
  channels: z.array(jobView),
});

export function channelSystemRoutes(app: Api, { platform }: ApiContext): void {
  const { db } = platform.database;
  app.get(
    '/api/network-interfaces',
    {
      config: READ,
      schema: {
        tags,
        summary: 'Network interfaces of this machine: names and addresses that input_network and output_network take',
        response: { 200: z.array(interfaceView) },
      },
    },
    async () => (await listInterfaces()).map(({ isUp, ...rest }) => ({ ...rest, is_up: isUp })),
  );
  app.get(
    '/api/metrics',
    {
      config: READ,
      schema: { tags, summary: 'Load of this machine and of the channels', response: { 200: metricsView } },
    },
    async (request) => {
      const { projectId } = callerOf(request);
      const [{ cpu, memory, interfaces }, jobs, channels, machines] = await Promise.all([
        sampleSystem(),
        listChannelJobs(db, { projectId }),
        listChannels(db, { projectId }, platform.showing),
        livingMachines(platform),
      ]);
      return {
        cpu: { percent: cpu.percent, per_core: [...cpu.perCore] },
        memory: { ...memory },
        network: {
          interfaces: interfaces.map(({ name, received, sent }) => ({
            name,
            rx_bytes_per_s: received,
            tx_bytes_per_s: sent,
          })),
        },
        channels: jobs.map((job) =>
          viewJob(job, { name: channels.find(({ id }) => id === job.channelId)?.name ?? '', machines }),
        ),
      };
    },
  );
}
