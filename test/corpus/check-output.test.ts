// The checker itself: it must find nothing wrong with a right file and name what is wrong with a wrong one.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { needTool } from '../kit/decode.ts';
import { checkFile } from './check-output.ts';
import { type Expected, expectedOf } from './expected.ts';

const PICTURE = 'testsrc2=size=322x240:rate=25:duration=3';
// Bursts of unequal loudness: a lag shows.
const SOUND = "aevalsrc='sin(2*PI*440*t)*(0.3+0.6*gt(sin(5*t*t),0))*gt(mod(t,0.9),0.4)':sample_rate=44100:duration=3";
const ENCODE = [
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-crf',
  '20',
  '-pix_fmt',
  'yuv420p',
  '-c:a',
  'aac',
  '-movflags',
  '+faststart',
];

describe('checkFile', { concurrency: 2 }, () => {
  let folder: string;
  let source: string;
  let expected: Expected;

  const make = async (name: string, args: readonly string[]): Promise<string> => {
    const path = join(folder, name);
    await needTool('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, path]);
    return path;
  };
  const missesOf = async (name: string, args: readonly string[]): Promise<readonly string[]> =>
    (await checkFile(await make(name, args), expected)).misses;
  const from = (...args: string[]) => ['-i', source, ...ENCODE, ...args];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rendition-checker-'));
    source = await make('source.mp4', ['-f', 'lavfi', '-i', PICTURE, '-f', 'lavfi', '-i', SOUND, ...ENCODE]);
    expected = await expectedOf(source);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('finds a plain copy right', async () => {
    assert.deepEqual(await missesOf('right.mp4', from()), []);
  });
  it('finds a smaller picture right', async () => {
    assert.deepEqual(await missesOf('small.mp4', from('-vf', 'scale=160:120,setsar=1')), []);
  });
  it('sees a picture lying on its side', async () => {
    const misses = await missesOf('turned.mp4', from('-vf', 'transpose=1,scale=322:240,setsar=1'));
    assert.match(misses.join('; '), /^322x240 does not look like the source/);
  });
  it('sees a picture upside down and one mirrored', async () => {
    for (const flip of ['vflip', 'hflip'])
      assert.match((await missesOf(`${flip}.mp4`, from('-vf', flip))).join(), /does not look like/);
  });
  it('sees another aspect', async () => {
    assert.match((await missesOf('squeezed.mp4', from('-vf', 'scale=240:240,setsar=1'))).join('; '), /another aspect/);
  });
  it('sees pixels that are not square', async () => {
    assert.match(
      (await missesOf('anamorphic.mp4', from('-vf', 'scale=160:240,setsar=2'))).join('; '),
      /pixels of 2\.0/,
    );
  });
  it('hears sound that is late or early', async () => {
    const late = [
      '-i',
      source,
      '-itsoffset',
      '0.2',
      '-i',
      source,
      '-map',
      '0:v',
      '-map',
      '1:a',
      ...ENCODE,
      '-af',
      'aresample=async=1:first_pts=0',
      '-t',
      '3',
    ];
    assert.deepEqual(await missesOf('late.mp4', late), ['the sound is 200 ms late']);
    assert.match(
      (await missesOf('early.mp4', from('-af', 'atrim=start=0.12,asetpts=PTS-STARTPTS'))).join(),
      /-1[12]\d ms late/,
    );
  });
  it('hears other sound, silence and none', async () => {
    const other = ['-i', source, '-f', 'lavfi', '-i', 'anoisesrc=duration=3', '-map', '0:v', '-map', '1:a', ...ENCODE];
    assert.match((await missesOf('other.mp4', other)).join(), /another one/);
    assert.match((await missesOf('silent.mp4', from('-af', 'volume=0'))).join(), /dB louder/);
    assert.deepEqual(await missesOf('mute.mp4', from('-an')), ['the sound is missing']);
  });
  it('sees a frame rate that varies', async () => {
    const misses = await missesOf('varying.mp4', from('-vf', "select='not(eq(mod(n,7),3))'", '-fps_mode', 'vfr'));
    assert.match(misses.join(), /the frame rate varies/);
  });
  it('sees odd sizes', async () => {
    const misses = await missesOf('odd.mp4', from('-vf', 'scale=321:239,setsar=1', '-pix_fmt', 'yuv444p'));
    assert.match(misses.join('; '), /321x239 is odd; 321x239 is yuv444p/);
  });
  it('sees HDR and other colours', async () => {
    const tagged = ['-color_trc', 'smpte2084', '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc'];
    assert.match((await missesOf('hdr.mp4', from(...tagged))).join('; '), /tagged HDR/);
    assert.match((await missesOf('red.mp4', from('-vf', 'colorchannelmixer=rr=0.7'))).join('; '), /colours are off/);
  });
  it('sees what is too long, too short, or stands still', async () => {
    assert.match((await missesOf('short.mp4', from('-t', '2.5'))).join('; '), /picture lasts 2\.5/);
    assert.match((await missesOf('long.mp4', from('-vf', 'tpad=stop_duration=0.5'))).join('; '), /picture lasts 3\.5/);
    assert.match(
      (await missesOf('frozen.mp4', from('-vf', "select='eq(n,0)',tpad=stop_duration=2.96"))).join('; '),
      /does not look like/,
    );
  });
});
