// Row of live channels: how soon the second input is on air after the first is lost without a word, and whether viewers get an unbroken timeline. Over the API of a server as a user starts it.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { startRendition } from '../../test/kit/rendition-server.ts';
import { freePort } from '../../test/kit/server-process.ts';
import { measure, type Sample } from '../meter.ts';
import type { Row } from '../row.ts';

const PATTERN = 'testsrc2=size=1280x720:rate=25[out0];sine=frequency=440:sample_rate=48000[out1]';
/** Encoded once: the senders copy, and take nothing from what is measured. */
const FILM = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-t', '20'];
const GAP = 3;

type Job = { readonly status: string; readonly input: string };

export const FAILOVER_ROW: Row = {
  name: 'failover',
  title: 'A live channel of two renditions whose input is lost: until the second one is on air (the slowest of all)',
  target: { atMost: 3 },
  unit: 's',
  run: async ({ folder, quick }) => {
    const film = `${folder}/sender.ts`;
    await ended(spawn('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', PATTERN, ...FILM, '-f', 'mpegts', film]));
    const [first, second] = [await freePort(), await freePort()];
    const send = (port: number): ChildProcess => {
      const source = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', film, '-c', 'copy'];
      return spawn('ffmpeg', [...source, '-f', 'mpegts', `udp://127.0.0.1:${port}?pkt_size=1316`], { stdio: 'ignore' });
    };
    const settings = { EGRESS_ALLOW: '127.0.0.0/8', LIVE_CPU_PERCENT: '0' };
    await using server = await startRendition({ settings });
    const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
      const sent =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
      const answer = await fetch(server.url + path, { method, ...sent });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    const senders = [send(first), send(second)];
    const switches: number[] = [];
    const viewers: number[] = [];
    const samples: Sample[] = [];
    const remarks: string[] = [];
    try {
      const { job, id } = (await call('POST', '/api/channels/', {
        ...{
          name: 'bench',
          input_type: 'udp',
          input_url: `udp://0.0.0.0:${first}`,
          preset: 'ultrafast',
          frame_rate: 25,
        },
        fallback_input: { input_type: 'udp', input_url: `udp://0.0.0.0:${second}` },
        ...{ fallback_return_seconds: 3, hls_segment_seconds: 2, hls_window_seconds: 60, thumbnail_seconds: 0 },
        ...{ is_abr: true, abr: [{ resolution: '1280x720' }, { resolution: '640x360', video_bitrate: 800 }] },
      })) as { job: number; id: number };
      const until = async (isSo: (job: Job) => boolean): Promise<void> => {
        const deadline = performance.now() + 60_000;
        while (!isSo((await call('GET', `/api/job/${job}/`)) as Job)) {
          if (performance.now() > deadline)
            throw new Error(`not within a minute: ${JSON.stringify(await call('GET', `/api/job/${job}/`))}`);
          await sleep(20);
        }
      };
      const list = async () => (await fetch(`${server.url}/live/${id}/720p/playlist.m3u8`)).text();
      const breaks = async () => {
        const text = await list();
        return (
          Number(/DISCONTINUITY-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0) +
          (text.match(/^#EXT-X-DISCONTINUITY$/gm)?.length ?? 0)
        );
      };
      await call('POST', `/api/job/${job}/start/`);
      for (let round = 0; round < (quick ? 5 : 20); round++) {
        await until(({ status, input }) => status === 'running' && input === 'primary');
        await sleep(4000 + Math.random() * 2000);
        const before = await breaks();
        samples.push(
          await measure(null, async () => {
            senders[0]?.kill('SIGKILL');
            const lost = performance.now();
            await until(({ status, input }) => status === 'running' && input === 'fallback');
            switches.push((performance.now() - lost) / 1000);
            while ((await breaks()) === before) await sleep(20);
            viewers.push((performance.now() - lost) / 1000);
          }),
        );
        senders[0] = send(first);
      }
      await until(({ status, input }) => status === 'running' && input === 'primary');
      await sleep(GAP * 1000);
      remarks.push(...timeline(await list()));
    } finally {
      for (const sender of senders) sender.kill('SIGKILL');
    }
    return {
      value: Math.max(...switches),
      series: [
        { name: 'on air', unit: 's', values: switches },
        { name: 'in the playlist', unit: 's', values: viewers },
      ],
      foreign: samples.reduce((sum, one) => sum + one.foreign, 0) / samples.length,
      commands: [],
      source: 'testsrc2 720p25 over UDP, a keyframe every two seconds',
      remarks: [...remarks, `${switches.length} losses, failover_seconds 1.2, segments of 2 s`],
    };
  },
};

/** What the last minute of a playlist says of holes: the largest time that no segment covers. */
function timeline(text: string): string[] {
  const pieces = [...text.matchAll(/(?:#EXT-X-PROGRAM-DATE-TIME:(\S+)\n)?#EXTINF:([\d.]+)/g)];
  let [end, hole, breaks] = [0, 0, 0];
  for (const [, at, seconds] of pieces) {
    const start = at === undefined ? end : Date.parse(at) / 1000;
    if (end > 0 && at !== undefined) {
      breaks += 1;
      hole = Math.max(hole, start - end);
    }
    end = start + Number(seconds);
  }
  return [`largest hole of ${breaks} joins in the last minute: ${hole.toFixed(2)} s of time of day`];
}

async function ended(child: ChildProcess): Promise<void> {
  await new Promise((resolve) => child.once('exit', resolve));
  if (child.exitCode !== 0) throw new Error(`FFmpeg ended with ${child.exitCode}`);
}
