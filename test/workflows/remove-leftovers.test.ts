import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '#domain/plan.ts';
import type { Task, TaskResult } from '#domain/task.ts';
import { keptKeys } from '#workflows/remove-leftovers.ts';
import { streamSpec } from './test-platform.ts';

const result = (changes: Partial<TaskResult>): TaskResult => ({
  parts: [],
  pictures: [],
  files: [],
  frames: 0,
  seconds: 0,
  ...changes,
});
const task = (kind: Task['kind'], subject: number, made: TaskResult): Task => ({
  id: 1,
  jobId: 1,
  kind,
  subject,
  index: 0,
  status: 'done',
  attempt: 1,
  weight: 1,
  workerId: null,
  result: made,
});
const part = (rendition: string) => ({
  rendition,
  init: { key: `${rendition}/init`, size: 1, hash: rendition },
  codecs: '',
  timescale: 1,
  segments: [{ index: 0, key: `${rendition}/0`, size: 1, start: 0, duration: 6, samples: 1 }],
});
const file = (key: string) => ({ name: key, key, size: 1, mediaType: '' });

const done = [
  task(
    'chunk',
    0,
    result({ parts: [part('v0'), part('v1')], pictures: [{ track: 'storyboard0', frame: 0, key: 'tile' }] }),
  ),
  task('audio', 0, result({ parts: [part('a0')] })),
  task('direct', 2, result({ files: [file('song.mp3')] })),
  task('output', 0, result({ files: [file('poster.jpg')] })),
  task('output', 1, result({ files: [file('film.mp4')] })),
  task('output', 2, result({ files: [file('song.mp3')] })),
];
const plan = {
  timelines: [{ id: 0, frames: 150, fps: { num: 25, den: 1 }, boundaries: [0, 150], duration: 6 }],
  video: ['v0', 'v1'].map((id) => ({ id, name: id, width: 2, height: 2, segmentFormat: 'cmaf' })),
  audio: [{ id: 'a0', name: 'a', channels: 2, segmentFormat: 'cmaf' }],
  subtitles: [],
  pictures: [],
  outputs: [
    { index: 0, method: 'adaptive', timeline: 0, video: ['v1'], audio: ['a0'], subtitles: [], pictures: [] },
    { index: 1, method: 'joined', timeline: 0, video: ['v0'], audio: ['a0'], subtitles: [], pictures: [] },
    { index: 2, method: 'direct', timeline: 0, video: [], audio: [], subtitles: [], pictures: [] },
  ],
} as unknown as Plan;

test('what outputs in managed storage are served from is kept, what only made them is not', () => {
  const specs = [0, 1, 2].map((index) => ({ index, spec: streamSpec() }));
  assert.deepEqual([...keptKeys(plan, specs, done)].sort(), [
    'a0/0',
    'a0/init',
    'film.mp4',
    'poster.jpg',
    'song.mp3',
    'v1/0',
    'v1/init',
  ]);
});

test('of what was delivered elsewhere nothing is kept', () => {
  const elsewhere = streamSpec({ destination: { kind: 'file', path: '/out' } });
  const specs = [0, 1, 2].map((index) => ({ index, spec: elsewhere }));
  assert.deepEqual([...keptKeys(plan, specs, done)], []);
});
