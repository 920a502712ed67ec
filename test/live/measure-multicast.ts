// One channel's encoder and its UDP pusher, received by multicast; prints what arrived as JSON. Run by multicast.test.ts in a network namespace of its own.
import { createSocket } from 'node:dgram';
import { liveCommand } from '#media/command/live.ts';
import { muxRateFor, pushCommand } from '#media/command/live-output.ts';
import { startMedia } from '#media/ffmpeg.ts';
import { planLive } from '#media/live-plan.ts';

const SECONDS = 4;
const BIN_MS = 100;
const group = { host: '239.4.4.4', port: 5004 };
const limits = { memory: 6e9, fileSize: 1e11, openFiles: 256, niceness: 0 };

const spec = {
  ...{ isAbr: false, outputType: 'udp', outputUrl: null, outputMulticastIp: '239.4.4.4:5004', outputNetwork: null },
  ...{
    videoCodec: 'libx264',
    audioCodec: 'aac',
    videoBitrate: 2000,
    audioBitrate: 64,
    resolution: '320x180',
    frameRate: 25,
  },
  ...{
    preset: 'ultrafast',
    gopSeconds: 1,
    bufferSize: null,
    hlsSegmentSeconds: 2,
    hlsWindowSeconds: 12,
    dvrSeconds: 0,
    hwaccel: 'none',
  },
} as unknown as Parameters<typeof planLive>[0]['spec'];
const plan = planLive({ spec, abr: [] }, { hardware: [] });
const [rendition] = plan.renditions;
if (!rendition) throw new Error('no rendition');
const muxRate = muxRateFor(rendition);

const socket = createSocket({ type: 'udp4', reuseAddr: true, recvBufferSize: 4 * 1024 ** 2 });
const received: { at: number; size: number }[] = [];
socket.on('message', ({ length }) => void received.push({ at: performance.now(), size: length }));
await new Promise<void>((resolve) => socket.bind(group.port, resolve));
socket.addMembership(group.host, '127.0.0.1');

const target = { kind: 'udp', ...group, localAddress: '127.0.0.1', ttl: 0, muxRate } as const;
const pusher = startMedia({ program: 'ffmpeg', args: pushCommand(target), limits, hasStdin: true });
const encoder = startMedia({
  program: 'ffmpeg',
  args: liveCommand({ source: { kind: 'test', width: 320, height: 180, rate: 25 }, plan, offset: 10, threads: 0 }),
  limits,
  sinks: [
    async (stream) => {
      for await (const bytes of stream) pusher.stdin?.write(bytes);
    },
  ],
});
const deadline = performance.now() + 40_000;
while ((received.at(-1)?.at ?? 0) - (received[0]?.at ?? 0) < (SECONDS + 2) * 1000 && performance.now() < deadline)
  await new Promise((resolve) => setTimeout(resolve, 100));
await encoder.stop(5);
await pusher.stop(5);
socket.close();

// The first second fills buffers.
const start = (received[0]?.at ?? 0) + 1500;
const bins = new Array<number>((SECONDS * 1000) / BIN_MS).fill(0);
for (const { at, size } of received) {
  const bin = Math.floor((at - start) / BIN_MS);
  if (bin >= 0 && bin < bins.length) bins[bin] = (bins[bin] ?? 0) + (size * 8 * 1000) / BIN_MS;
}
const mean = bins.reduce((sum, one) => sum + one, 0) / bins.length;
const deviation = Math.sqrt(bins.reduce((sum, one) => sum + (one - mean) ** 2, 0) / bins.length);
process.stdout.write(
  `${JSON.stringify({ muxRate, mean, deviation, sizes: [...new Set(received.map(({ size }) => size))], count: received.length })}\n`,
);
