import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AudioRendition, OutputPlan, Plan, Timeline, VideoRendition } from '#domain/plan.ts';
import type { SegmentFacts, TrackPart } from '#domain/task.ts';
import { makeGrid } from '#media/grid.ts';
import { packageOutput } from '#media/package.ts';
import { dashManifest } from '#media/playlist/dash.ts';
import { masterPlaylist, mediaPlaylist } from '#media/playlist/hls.ts';

const timeline: Timeline = {
  id: 0,
  sourceStart: 0,
  videoShift: 0,
  ...makeGrid({ duration: 14, fps: { num: 25, den: 1 }, segmentSeconds: 6, keyframes: null }),
};

const video = ({
  id,
  name,
  width,
  height,
}: Pick<VideoRendition, 'id' | 'name' | 'width' | 'height'>): VideoRendition => ({
  id,
  name,
  timeline: 0,
  codec: 'h264',
  method: 'encoded',
  hardware: null,
  width,
  height,
  fit: 'contain',
  preset: 'veryfast',
  rate: { mode: 'capped-crf', crf: 21, maxBitrate: 1_000_000, bufferSize: 1_500_000 },
  pixelFormat: 'yuv420p',
  decoration: null,
  segmentFormat: 'cmaf',
});
const sound: AudioRendition = {
  id: 'a0',
  name: 'English "main"',
  // As MP4 and Matroska write it.
  language: 'eng',
  isDefault: true,
  timeline: 0,
  streamIndex: 1,
  codec: 'aac',
  method: 'encoded',
  bitrate: 128_000,
  channels: 2,
  sampleRate: 48_000,
  normalize: false,
  segmentFormat: 'cmaf',
};
const output: OutputPlan = {
  index: 0,
  container: 'hls',
  method: 'adaptive',
  timeline: 0,
  video: ['v0', 'v1'],
  audio: ['a0'],
  subtitles: [],
  pictures: [],
  direct: null,
  refused: null,
};
const plan = {
  timelines: [timeline],
  video: [
    video({ id: 'v0', name: '720p', width: 1280, height: 720 }),
    video({ id: 'v1', name: '360p', width: 640, height: 360 }),
  ],
  audio: [sound],
  subtitles: [],
  pictures: [],
  outputs: [output],
} as unknown as Plan;

const segment = (index: number, size: number, seconds: number): SegmentFacts => ({
  index,
  key: `k${index}`,
  size,
  start: index * 6 * 25_000,
  duration: seconds * 25_000,
  samples: seconds * 25,
});
const part = (rendition: string, codecs: string, segments: SegmentFacts[]): TrackPart => ({
  rendition,
  init: { key: `${rendition}/init`, size: 800, hash: codecs },
  codecs,
  timescale: 25_000,
  segments,
});
const task = (kind: string, parts: TrackPart[]) => ({
  kind,
  subject: 0,
  result: { parts, pictures: [], files: [], frames: 0, seconds: 0 },
});

const big = [segment(0, 600_000, 6), segment(1, 900_000, 6), segment(2, 100_000, 2)];
const small = [segment(0, 150_000, 6), segment(1, 120_000, 6), segment(2, 30_000, 2)];
const heard = [segment(0, 96_000, 6), segment(1, 96_000, 6), segment(2, 32_000, 2)];
const whole = [
  task('chunk', [part('v0', 'avc1.64001f', big), part('v1', 'avc1.64001e', small)]),
  task('audio', [part('a0', 'mp4a.40.2', heard)]),
];

test('the master says what was measured: peak of any segment, average over all, sound included', () => {
  assert.equal(
    masterPlaylist(packageOutput(plan, output, whole), timeline),
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS

#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="English main",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="audio/playlist.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1328000,AVERAGE-BANDWIDTH=1042286,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
720p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=328000,AVERAGE-BANDWIDTH=299429,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
360p/playlist.m3u8
`,
  );
});

test('a finished rendition is VOD with its end', () => {
  const made = packageOutput(plan, output, whole);
  assert.equal(
    mediaPlaylist(made, made.video[0] ?? assert.fail()),
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4"
#EXTINF:6.000000,
segment_00000.m4s
#EXTINF:6.000000,
segment_00001.m4s
#EXTINF:2.000000,
segment_00002.m4s
#EXT-X-ENDLIST
`,
  );
});

test('while it grows it is an EVENT without a gap: what lies behind a missing segment waits', () => {
  const growing = [task('chunk', [part('v0', 'avc1.64001f', [segment(0, 1, 6), segment(2, 1, 2)])])];
  const made = packageOutput(plan, output, growing);
  const list = mediaPlaylist(made, made.video[0] ?? assert.fail());
  assert.match(list, /PLAYLIST-TYPE:EVENT[\s\S]*segment_00000.m4s\n$/);
  assert.equal(made.video.length, 1, 'a rendition without a segment is not offered');
  assert.equal(made.complete, false);
});

test('first light has an init of its own and gives way to the real segment', () => {
  const light = task('first-light', [part('v1', 'avc1.640015', [segment(0, 9, 6)])]);
  const before = packageOutput(plan, output, [light]);
  assert.match(
    mediaPlaylist(before, before.video[0] ?? assert.fail()),
    /MAP:URI="init-light.mp4"\n#EXTINF:6.000000,\nlight_00000.m4s\n$/,
  );
  const after = packageOutput(plan, output, [light, ...whole]);
  const track = after.video.find((one) => one.rendition.id === 'v1') ?? assert.fail();
  assert.deepEqual(
    track.segments.map(({ size }) => size),
    [150_000, 120_000, 30_000],
  );
  assert.equal(mediaPlaylist(after, track).match(/EXT-X-MAP/g)?.length, 1);
  assert.deepEqual(
    track.retired.map(({ name, init }) => [name, init?.name]),
    [['light_00000.m4s', 'init-light.mp4']],
    'still there for players that hold the old playlist',
  );
});

test('the manifest names the same segments with their exact times', () => {
  const manifest = dashManifest(packageOutput(plan, output, whole), timeline) ?? '';
  assert.match(manifest, /mediaPresentationDuration="PT0H0M14.000S"/);
  assert.match(
    manifest,
    /<Representation id="720p" bandwidth="1200000" codecs="avc1.64001f" width="1280" height="720" frameRate="25" sar="1:1"><SegmentTemplate timescale="25000" startNumber="0" initialization="\$RepresentationID\$\/init.mp4" media="\$RepresentationID\$\/segment_\$Number%05d\$.m4s"><SegmentTimeline><S t="0" d="150000" r="1"\/><S t="300000" d="50000"\/>/,
  );
});

test('a master waits for a picture and for the sound: what it does not name a player never looks for', () => {
  const [chunk, sounds] = whole;
  assert.ok(chunk && sounds);
  assert.equal(masterPlaylist(packageOutput(plan, output, [sounds]), timeline), null);
  assert.equal(masterPlaylist(packageOutput(plan, output, [chunk]), timeline), null);
  const soundOnly = { ...output, video: [] };
  assert.match(
    masterPlaylist(packageOutput(plan, soundOnly, [sounds]), timeline) ?? '',
    /STREAM-INF:.*CODECS="mp4a.40.2"\naudio\/playlist.m3u8/,
  );
});

test('nothing to play is no playlist', () => {
  assert.equal(masterPlaylist(packageOutput(plan, output, []), timeline), null);
});

test('tracks keep their names; only a name that is there already gets a number', () => {
  const names = ['German', 'English', 'German', 'Track 4'];
  const audio = names.map((name, i) => ({ ...sound, id: `a${i}`, name }));
  const several = { ...output, audio: audio.map(({ id }) => id) };
  const sounds = task(
    'audio',
    audio.map(({ id }) => part(id, 'mp4a.40.2', heard)),
  );
  const made = packageOutput({ ...plan, audio, outputs: [several] }, several, [...whole.slice(0, 1), sounds]);
  assert.deepEqual(
    [...(masterPlaylist(made, timeline) ?? '').matchAll(/TYPE=AUDIO.*NAME="([^"]*)"/g)].map(([, name]) => name),
    ['German', 'English', 'German 2', 'Track 4'],
  );
});
