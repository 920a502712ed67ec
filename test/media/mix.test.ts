// Fewer channels of many: where each goes, how loud it is, and that nothing clips.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { soundFilters } from '#media/command/audio.ts';
import { mixFilters } from '#media/command/mix.ts';
import { runTool } from '../kit/decode.ts';
import { type MadeMedia, openMadeMedia } from './made-media.ts';
import { audioFacts } from './sample-facts.ts';

let media: MadeMedia;
before(async () => {
  media = await openMadeMedia();
});
after(() => media[Symbol.asyncDispose]());

const mix = (channels: number, channelLayout: string | null, wanted: number) =>
  mixFilters({ channels, channelLayout }, wanted, false).slice(1).join(',');

test('each channel has its place, and what keeps its channels is left alone', () => {
  const table: [string, string, string][] = [
    ['5.1 in stereo', mix(6, '5.1(side)', 2), 'aformat=channel_layouts=stereo'],
    ['stereo in mono', mix(2, 'stereo', 1), 'aformat=channel_layouts=mono'],
    ['six without places are 5.1', mix(6, null, 2), 'aformat=channel_layouts=stereo'],
    ['as many', mix(2, 'stereo', 2), ''],
    ['more', mix(1, 'mono', 2), ''],
    ['7.1 in 5.1 is the encoder’s', mix(8, '7.1', 6), ''],
    ['three tracks', mix(3, null, 2), 'pan=stereo|c0=0.7071*c0+0.5000*c2|c1=0.7071*c1+0.5000*c2'],
    ['2.1 is 2.1', mix(3, '2.1', 2), 'aformat=channel_layouts=stereo'],
    [
      'nine tracks in mono',
      mix(9, null, 1),
      `pan=mono|c0=${[0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => `0.3333*c${n}`).join('+')}`,
    ],
    [
      'twelve tracks where six channels are wanted',
      mix(12, null, 6),
      'pan=stereo|c0=0.4082*c0+0.4082*c2+0.4082*c4+0.4082*c6+0.4082*c8+0.4082*c10|c1=0.4082*c1+0.4082*c3+0.4082*c5+0.4082*c7+0.4082*c9+0.4082*c11',
    ],
  ];
  for (const [name, found, expected] of table) assert.equal(found, expected, name);
  assert.deepEqual(mixFilters(undefined, 2), []);
});

const levels = async (input: readonly string[], filters: readonly string[]) => {
  const args = [...input, '-af', [...filters, 'astats=measure_perchannel=none'].join(',')];
  const { stderr } = await runTool('ffmpeg', ['-hide_banner', '-nostdin', ...args, '-f', 'null', '-']);
  const figure = (name: string) => Number(new RegExp(`${name} dB: (\\S+)`).exec(stderr)?.[1]);
  return { peak: figure('Peak level'), mean: figure('RMS level') };
};
const mixed = (channels: number, channelLayout: string | null) =>
  soundFilters({ start: 0, duration: 1 }, { track: audioFacts({ channels, channelLayout }), channels: 2 }, null);

test('surround at full scale does not clip in stereo; what is not loud comes out as ever, whatever its samples', async () => {
  const film = (volume: number) => {
    const tone = `${volume}*sin(2000*t)`;
    const six = [1, 1, 1, 0, 1, 1].map((on) => (on ? tone : '0')).join('|');
    return `-f lavfi -i aevalsrc=${six}:c=5.1:s=48000:d=1`;
  };
  const hot = await media.make('hot.wav', `${film(0.98)} -c:a pcm_f32le`);
  const { peak, mean } = await levels(['-i', hot], mixed(6, '5.1'));
  assert.ok(peak < -0.9 && peak > -1.2 && mean > -5, `${peak} dB at its peak, ${mean} dB on the average`);
  for (const codec of ['pcm_s16le', 'pcm_f32le']) {
    const quiet = await levels(['-i', await media.make(`${codec}.wav`, `${film(0.2)} -c:a ${codec}`)], mixed(6, '5.1'));
    // A side, the centre and a surround: 0.2 × (1 + 0.707 + 0.707)
    assert.ok(Math.abs(quiet.peak - 20 * Math.log10(0.2 * (1 + Math.SQRT2))) < 0.1, `${codec}: ${quiet.peak} dB`);
  }
});

test('nine tracks that no layout names are heard in stereo, and no louder than they were', async () => {
  const { mean } = await levels(['-f', 'lavfi', '-i', 'anoisesrc=d=1:a=0.2:r=48000:seed=1'], []);
  await media.make('noise.raw', '-f lavfi -i anoisesrc=d=9:a=0.2:r=48000:seed=1 -f s16le');
  const nine = ['-f', 's16le', '-ar', '48000', '-ac', '9', '-i', media.path('noise.raw')];
  const found = await levels(nine, mixed(9, null));
  assert.ok(Math.abs(found.mean - mean) < 1, `${found.mean} dB instead of ${mean} dB`);
});
