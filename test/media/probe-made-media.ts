// Media made here, a short film among them, and the probe that looks at it. Used by the tests of the probe.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { detectTool } from '#media/capabilities.ts';
import { probeSource } from '#media/probe.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import { type MadeMedia, openMadeMedia } from './made-media.ts';
import { LIMITS } from './sample-facts.ts';

export let media: MadeMedia;
export let tool: MediaTool;
export let film = '';

export const X264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p';
export const picture = (size: string, rate: string, seconds: number) =>
  `-f lavfi -i testsrc=s=${size}:r=${rate}:d=${seconds}`;
export const sound = (seconds: number) => `-f lavfi -i sine=r=48000:d=${seconds}`;

/** Before the tests of the file that imports this; gone behind them. */
before(async () => {
  media = await openMadeMedia();
  tool = await detectTool({ ffmpegPath: 'ffmpeg', ffprobePath: 'ffprobe', limits: LIMITS.child, hwaccel: 'none' });
  film = await media.make('film.mp4', `${picture('320x180', '25', 4)} ${sound(4)} ${X264} -bf 2 -g 50 -c:a aac -ac 2`);
});
after(() => media[Symbol.asyncDispose]());

export const probe = (file: string, changes: Partial<MediaLimits> = {}) =>
  probeSource({ tool, input: { kind: 'file', path: file }, limits: { ...LIMITS, ...changes } });
export const video = (facts: SourceFacts): VideoFacts => {
  assert.ok(facts.video);
  return facts.video;
};
export const near = (found: number | null, wanted: number, slack = 0.05) =>
  assert.ok(found !== null && Math.abs(found - wanted) <= slack, `${found} is not ${wanted}`);
export const refused = (file: string, [code, message]: readonly [string, RegExp], limits: Partial<MediaLimits> = {}) =>
  assert.rejects(probe(file, limits), { code, message });
