// Row of live channels: CPU of one channel with four renditions, beside four FFmpegs that make one each. The commands are the channels' own, without the brake of real time.
import type { ChannelSpec } from '#domain/channel.ts';
import { liveCommand } from '#media/command/live.ts';
import { runMedia } from '#media/ffmpeg.ts';
import { planLive } from '#media/live-plan.ts';
import { measure, median, type Sample } from '../meter.ts';
import type { Row } from '../row.ts';

const LIMITS = { memory: 8e9, fileSize: 1e11, openFiles: 256, niceness: 0 };
const PROFILES = [
  { resolution: '1280x720', videoBitrate: 3000 },
  { resolution: '854x480', videoBitrate: 1400 },
  { resolution: '640x360', videoBitrate: 800 },
  { resolution: '426x240', videoBitrate: 400 },
];

const SPEC = {
  ...{
    isAbr: true,
    outputType: 'hls',
    outputUrl: null,
    outputMulticastIp: null,
    outputNetwork: null,
    videoCodec: 'libx264',
  },
  ...{ audioCodec: 'aac', videoBitrate: 3000, audioBitrate: 128, resolution: null, frameRate: 25, preset: 'ultrafast' },
  ...{ gopSeconds: 2, bufferSize: null, hlsSegmentSeconds: 4, hlsWindowSeconds: 60, dvrSeconds: 0, hwaccel: 'none' },
} as unknown as ChannelSpec;

const inherited = {
  ...{ id: 0, name: null, outputType: null, outputUrl: null, outputMulticastIp: null, outputNetwork: null },
  ...{ videoCodec: null, audioCodec: null, audioBitrate: null, preset: null, bufferSize: null },
};

export const LIVE_ROW: Row = {
  name: 'live',
  title: 'CPU of a live channel of four renditions ÷ four FFmpegs of one each',
  target: { atMost: 0.65 },
  unit: '×',
  run: async ({ film, quick }) => {
    const seconds = quick ? 8 : 20;
    const encode = async (profiles: typeof PROFILES): Promise<void> => {
      const abr = profiles.map((profile) => ({ ...inherited, ...profile }));
      const plan = planLive({ spec: SPEC, abr }, { hardware: [] });
      const source = { kind: 'file', input: { kind: 'file', path: film.path }, loop: true } as const;
      const args = liveCommand({ source, plan, offset: 10, threads: 0 });
      const free = args.filter((word) => word !== '-re');
      free.splice(free.indexOf('-i'), 0, '-t', String(seconds));
      const sinks = plan.renditions.map(() => async (stream: AsyncIterable<unknown>) => {
        for await (const _ of stream);
      });
      const run = await runMedia({ program: 'ffmpeg', args: free, limits: LIMITS, timeLimit: 600, sinks });
      if (run.exitCode !== 0) throw new Error(run.tail.join('\n'));
    };
    const together: Sample[] = [];
    const apart: Sample[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      together.push(await measure(null, () => encode(PROFILES)));
      apart.push(
        await measure(null, async () => {
          for (const profile of PROFILES) await encode([profile]);
        }),
      );
    }
    const all = [...together, ...apart];
    return {
      value: median(together.map(({ cpu }, i) => cpu / (apart[i]?.cpu ?? Number.NaN))),
      series: [
        { name: 'one channel', unit: 'CPU s', values: together.map(({ cpu }) => cpu) },
        { name: 'four processes', unit: 'CPU s', values: apart.map(({ cpu }) => cpu) },
      ],
      foreign: all.reduce((sum, one) => sum + one.foreign, 0) / all.length,
      commands: [],
      source: film.about,
      remarks: [`${seconds} s of the film, preset ultrafast, 720p to 240p`],
    };
  },
};
