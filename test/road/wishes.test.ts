// Wishes that meet in one job and sources that say much of themselves: none may break another. Each judged by what comes out.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { describeMedia, needTool, readMaster } from '../kit/decode.ts';
import { type RenditionServer, startOnFreshDatabase } from '../kit/rendition-server.ts';
import { runJob, urlOf } from './check-result.ts';

let folder = '';
let server: RenditionServer;
const QUICK = { preset: 'ultrafast', storyboard: false, instant: false } as const;
const make = (...args: string[]) => needTool('ffmpeg', ['-v', 'error', '-y', '-nostdin', ...args]);
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=s=192x108:r=25:d=3'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=440:d=3:r=44100'];
const ENCODE = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];

before(async () => {
  folder = await mkdtemp(`${tmpdir()}/rendition-wishes-`);
  await writeFile(`${folder}/text.srt`, '1\n00:00:01,000 --> 00:00:02,000\nHello\n');
  const films = [...PICTURE, ...SOUND, ...ENCODE];
  await make(
    ...films,
    '-metadata',
    `comment=${'x'.repeat(100_000)}`,
    '-metadata',
    'location=+48.8577+002.2950/',
    `${folder}/talkative.mp4`,
  );
  const tracks = ['-map', '0:v', '-map', '1:a', '-map', '2:a', '-map', '3:s', '-c:s', 'srt'];
  const names = ['a:0', 'eng', 'a:1', 'deu', 's:0', 'fra'];
  const languages = [0, 2, 4].flatMap((i) => [`-metadata:s:${names[i]}`, `language=${names[i + 1]}`]);
  const other = ['-f', 'lavfi', '-i', 'sine=880:d=3', '-i', `${folder}/text.srt`];
  await make(...PICTURE, ...SOUND, ...other, ...tracks, ...ENCODE, ...languages, `${folder}/tracks.mkv`);
  await make('-f', 'lavfi', '-i', 'aevalsrc=0.1*sin(2*PI*440*t):d=2:s=48000:c=mono', `${folder}/tone.wav`);
  server = await startOnFreshDatabase();
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (file: string, ...outputs: object[]) => runJob(server, `${folder}/${file}`, outputs);

async function languagesOf(url: string): Promise<string[]> {
  const entries = 'stream=codec_type:stream_tags=language';
  const { stdout } = await needTool('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'csv=p=0', url]);
  return stdout.toString().trim().split(/\s+/);
}

describe('wishes that meet', () => {
  test('what a source says of itself neither breaks its streams nor comes out in them', async () => {
    const id = await run(
      'talkative.mp4',
      { ...QUICK, container: 'hls', passthrough: 'never' },
      { ...QUICK, container: 'mp4', height: 90 },
    );
    const { variants, audio } = await readMaster(await urlOf(server, id, 0));
    const [playlist] = await Promise.all(
      [variants[0]?.url ?? '', audio[0] ?? ''].map(async (url) => {
        const text = await (await fetch(url)).text();
        const init = /URI="([^"]+)"/.exec(text)?.[1] ?? assert.fail('an init segment');
        const bytes = Buffer.from(await (await fetch(new URL(init, url))).arrayBuffer());
        assert.ok(
          bytes.length < 5000 && !bytes.includes('48.8577'),
          `${init} of ${bytes.length} bytes says where it was`,
        );
        return text;
      }),
    );
    assert.match(playlist ?? '', /ENDLIST/);
  });

  test('sound of any codec beside that of the others, PCM exact to the sample', async () => {
    const id = await run(
      'tracks.mkv',
      { ...QUICK, container: 'mov', audioCodec: 'wav', height: 54 },
      { ...QUICK, container: 'mkv', audioCodec: 'wav', height: 54 },
      { ...QUICK, container: 'webm', audioCodec: 'vorbis', audioSampleRate: 8000, height: 54 },
      { ...QUICK, container: 'mkv', audioCodec: 'mp3', audioChannels: 6, height: 54 },
      { ...QUICK, container: 'mp4', audioCodec: 'opus', audioChannels: 3, height: 54 },
      { ...QUICK, container: 'mov', audioCodec: 'pcm_s24le', height: 54 },
      { ...QUICK, container: 'mkv', audioCodec: 'pcm_s24le', height: 54 },
      { container: 'wav', audioCodec: 'pcm_s24le' },
      { container: 'wav', audioCodec: 'pcm_s16le' },
    );
    const sounds = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map(async (i) => {
        const { streams } = await describeMedia(await urlOf(server, id, i));
        return streams.filter(({ type }) => type === 'audio').map(({ codec, channels }) => `${codec} ${channels}`);
      }),
    );
    assert.deepEqual(sounds, [
      ['pcm_s16le 1', 'pcm_s16le 1'],
      ['pcm_s16le 1', 'pcm_s16le 1'],
      ['vorbis 1'],
      ['mp3 2', 'mp3 2'],
      ['opus 3', 'opus 3'],
      ['pcm_s24le 1', 'pcm_s24le 1'],
      ['pcm_s24le 1', 'pcm_s24le 1'],
      ['pcm_s24le 1'],
      ['pcm_s16le 1'],
    ]);
    for (const [index, bytes] of [
      [0, 2],
      [5, 3],
    ] as const) {
      const url = await urlOf(server, id, index);
      const { stdout } = await needTool('ffmpeg', [
        '-v',
        'error',
        '-i',
        url,
        '-map',
        '0:a:0',
        '-f',
        `s${bytes * 8}le`,
        '-',
      ]);
      const { duration } = (await server.job(id)).outputs[index]?.result ?? assert.fail('a result');
      assert.equal(stdout.length, Math.round(duration * 44_100) * bytes);
    }
  });

  test('rates that an encoder would not start with', async () => {
    const id = await run(
      'tone.wav',
      { container: 'opus', audioBitrate: '1500k' },
      { container: 'opus', audioChannels: 4 },
      { container: 'ogg', audioSampleRate: 8000 },
      { container: 'ogg', audioBitrate: '6k' },
    );
    const found = await Promise.all([0, 1, 2, 3].map(async (i) => describeMedia(await urlOf(server, id, i))));
    assert.deepEqual(
      found.map(({ streams: [sound] }) => [sound?.codec, sound?.channels, sound?.sampleRate]),
      [
        ['opus', 1, 48_000],
        ['opus', 4, 48_000],
        ['vorbis', 1, 8000],
        ['vorbis', 1, 48_000],
      ],
    );
  });

  test('two passes behind an output of one', async () => {
    const id = await run(
      'talkative.mp4',
      { ...QUICK, container: 'mp4', height: 54 },
      { ...QUICK, container: 'mp4', videoBitrate: '200k', rateControl: 'two-pass' },
      { ...QUICK, container: 'webm', videoBitrate: '100k', rateControl: 'two-pass', height: 54 },
    );
    const found = await Promise.all([0, 1, 2].map(async (i) => describeMedia(await urlOf(server, id, i))));
    assert.deepEqual(
      found.map(({ streams: [picture] }) => `${picture?.codec} ${picture?.height}`),
      ['h264 54', 'h264 108', 'vp9 54'],
    );
  });

  test('a copy carries languages and text', async () => {
    const id = await run(
      'tracks.mkv',
      { container: 'mkv', videoCodec: 'copy', audioCodec: 'copy' },
      { container: 'mp4', videoCodec: 'copy' },
      { container: 'mp4', videoCodec: 'copy', duration: 1 },
    );
    const found = await Promise.all([0, 1, 2].map(async (i) => languagesOf(await urlOf(server, id, i))));
    const carried = (picture: string) => [picture, 'audio,eng', 'audio,deu', 'subtitle,fra'];
    assert.deepEqual(found[0], carried('video'));
    assert.deepEqual(found[1], carried('video,und'));
    assert.deepEqual(found[2], carried('video,und').slice(0, 3), 'a part has no text');
    const text = ['-v', 'error', '-i', await urlOf(server, id, 1), '-map', '0:s:0', '-f', 'srt', '-'];
    assert.match((await needTool('ffmpeg', text)).stdout.toString(), /00:00:01,0\d\d --> 00:00:02,0\d\d\s+Hello/);
  });
});
