// The command of a film for older players: picture and sound of the wanted part, coded in one run. Facts in, string[] out.
import type { FilmFilePlan } from '#domain/plan.ts';
import type { Rational } from '#domain/source-facts.ts';
import { soundEncoder, takeSound } from '#media/command/audio.ts';
import { overlayInputs } from '#media/command/decoration.ts';
import { type DirectOptions, fileOutput, sceneInputs } from '#media/command/file.ts';
import { pictureGraph } from '#media/command/picture.ts';
import { trackOf } from '#media/command/sound-file.ts';
import { toNumber } from '#media/grid.ts';

export function filmFileCommand(options: DirectOptions): string[] {
  const { container, direct, facts, preparation, timeline, loudness, drawing, path } = options;
  const { video } = facts;
  if (!video || !direct.film) throw new TypeError('a film needs a video');
  const [inputs = []] = overlayInputs([drawing]).numbers;
  const drawings = [drawing && { drawing, inputs }];
  const prepared = { video, preparation, timeline, startFrame: 0, endFrame: timeline.frames, drawings };
  const size = { width: direct.width ?? video.displayWidth, height: direct.height ?? video.displayHeight };
  const graph = pictureGraph(prepared, [{ ...size, fit: direct.fit, pixelFormat: 'yuv420p' }], []);
  const [sound] = direct.audioStreams;
  const codec = direct.audioCodec === 'copy' ? null : direct.audioCodec;
  return [
    ...sceneInputs(options),
    '-filter_complex',
    graph,
    '-map',
    '[v0]',
    ...coding(direct.film, timeline.fps),
    '-fps_mode',
    'passthrough',
    // Of the picture alone: sound would be told by frames.
    '-enc_time_base:v',
    `${timeline.fps.den}:${timeline.fps.num}`,
    ...(sound === undefined || codec === null
      ? ['-an']
      : [
          ...takeSound({
            streamIndex: sound,
            span: { start: direct.start, duration: direct.duration },
            heard: { track: trackOf(facts, direct), channels: direct.channels },
            loudness,
          }),
          ...soundEncoder({ ...direct, codec, bitrate: direct.audioBitrate }),
        ]),
    ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'],
    ...fileOutput(container, path),
  ];
}

/** Seconds between keyframes: what is sought in such files is found by them. */
const KEYFRAMES = 5;
/** Frames; a DVD player takes no more between two whole pictures. */
const MPEG_GROUP = 15;

function coding(film: FilmFilePlan, fps: Rational): string[] {
  const group = ['-g', String(Math.max(1, Math.round(toNumber(fps) * KEYFRAMES)))];
  switch (film.codec) {
    case 'wmv2':
      return ['-c:v', 'wmv2', ...rate(film), ...group];
    case 'mpeg2video':
      return ['-c:v', 'mpeg2video', ...rate(film), '-g', String(MPEG_GROUP), '-bf', '2'];
    case 'theora':
      return ['-c:v', 'libtheora', ...(film.bitrate === null ? theoraQuality(film) : rate(film)), ...group];
    case 'mpeg4':
      // Players of AVI know it under the name of Xvid.
      return ['-c:v', 'mpeg4', '-vtag', 'xvid', ...rate(film), ...group];
  }
}

/** x264's 18 to 28 look about like quantisers from 3 to 8. */
const rate = ({ bitrate, quality }: FilmFilePlan): string[] =>
  bitrate === null
    ? ['-q:v', String(Math.min(20, Math.max(2, Math.round(3 + (quality - 18) / 2))))]
    : ['-b:v', String(bitrate), '-maxrate', String(Math.round(bitrate * 1.5)), '-bufsize', String(bitrate * 2)];

/** Theora's own scale, 10 being best. */
const theoraQuality = ({ quality }: FilmFilePlan): string[] => [
  '-q:v',
  String(Math.min(10, Math.max(1, Math.round(9 - (quality - 18) * 0.4)))),
];
