// The doctor's look at everything but the picture: tracks, clock, damage, limits. Pure; used by doctor.ts.
import { type AudioFacts, type SourceFacts, soundStreams } from '#domain/source-facts.ts';
import { guessedLayout, isDiscrete } from '#media/command/mix.ts';
import { type Add, figure } from '#media/findings.ts';
import { LOST_FRAMES, UNDECODABLE } from '#media/probe-facts.ts';
import type { MediaLimits } from '#media/tool.ts';

/** Seconds: below these, nobody sees or hears it. */
const LATE = 0.1;
const UNEVEN_END = 0.5;
const LYING_DURATION = 1;

/** What FFmpeg says of damage, among all that it says. */
const DAMAGE =
  /partial file|corrupt|prematurely|error while decoding|missing picture|invalid as first byte|exceeds containing|truncated|Invalid (data|NAL|frame|compressed)|No JPEG data/i;

export function examineTracks(facts: SourceFacts, add: Add): void {
  const { video, audio, subtitles } = facts;
  if (!facts.isStill && audio.length === 0) add(['no_audio', 'note', 'no audio stream', 'the result is silent']);
  if (!video) add(['no_video', 'note', 'no video stream', 'the result is sound alone']);
  if (!video && facts.coverArt !== null)
    add(['cover_art', 'note', `stream ${facts.coverArt} is an attached picture`, 'not used as video']);
  if (facts.program) add(severalPrograms(facts.program));
  if (facts.otherVideoStreams > 0)
    add([
      'several_videos',
      'warning',
      `${facts.otherVideoStreams + 1} video streams`,
      `stream ${video?.streamIndex} is used, the others are left out`,
    ]);
  const [main] = audio;
  if (main && main.channels > 2) add(['surround', 'change', channelsOf(main), mixOf(main)]);
  if (main?.channels === 1) add(['mono', 'note', 'one channel', 'kept as mono']);
  const pairs = audio.filter(({ right }) => right !== undefined);
  if (pairs.length > 0)
    add([
      'mono_pairs',
      'change',
      `streams ${pairs.map((one) => soundStreams(one).join(' and ')).join(', ')}`,
      'each two become one stereo track, left and right',
    ]);
  if (audio.length > 1)
    add([
      'several_audio_tracks',
      'note',
      audio.map((one) => one.title ?? one.language ?? `stream ${one.streamIndex}`).join(', '),
      'each becomes a track of streams, MP4, MOV and MKV; other files take the default one',
    ]);
  const text = subtitles.filter((one) => one.kind === 'text');
  const bitmaps = subtitles.filter((one) => one.kind === 'bitmap');
  if (text.length > 0) add(['text_subtitles', 'note', tracks(text), 'become WebVTT tracks']);
  if (bitmaps.length > 0)
    add(['bitmap_subtitles', 'warning', tracks(bitmaps), 'left out: pictures cannot become text']);
  const undecodable = facts.warnings
    .filter((line) => line.startsWith(UNDECODABLE))
    .map((line) => line.slice(UNDECODABLE.length));
  if (undecodable.length > 0) add(['undecodable_stream', 'warning', undecodable.join('; '), 'left out']);
}

function channelsOf(track: AudioFacts): string {
  const [layout, guess] = [track.channelLayout, guessedLayout(track)];
  const named = layout ?? (guess === null ? 'without places' : `without places, taken for ${guess}`);
  return `${track.channels} channels (${named})`;
}

const mixOf = (track: AudioFacts): string =>
  isDiscrete(track)
    ? 'mixed down to stereo: odd channels on the left, even ones on the right, a last single one in the middle'
    : 'mixed down to stereo unless more channels are asked for';

function severalPrograms({ number, name, others }: NonNullable<SourceFacts['program']>): Parameters<Add>[0] {
  return [
    'several_programs',
    'warning',
    `${others + 1} programs`,
    `program ${number}${name ? ` (${name})` : ''} is used, picture, sound and subtitles; the others are left out`,
  ];
}

const PASSED_OVER = {
  index: ['damaged', 'warning', 'the index of the AVI points anywhere', 'read from the front, without it'],
  edits: ['damaged', 'warning', 'the edit list shows nothing of the picture', 'all of it is shown'],
} as const satisfies Record<string, Parameters<Add>[0]>;

export function examineClock(facts: SourceFacts, limits: MediaLimits, add: Add): void {
  const { video, audio, declaredDuration } = facts;
  const starts = [video, ...audio].filter((one) => one !== null).map((one) => one.startTime);
  const spread = Math.max(...starts) - Math.min(...starts);
  if (Math.abs(facts.startTime) >= LATE || spread >= LATE) {
    add([
      'late_start',
      'change',
      `starts at ${figure(facts.startTime)} s${spread >= LATE ? `, its streams ${figure(spread)} s apart` : ''}`,
      'the clock begins at 0; sound and picture keep their distance',
    ]);
  }
  if (facts.passedOver) add(PASSED_OVER[facts.passedOver]);
  else if (facts.clock)
    add([
      'clock_jumps',
      'change',
      facts.parts
        ? `${facts.parts.length} files were written one behind the other`
        : 'the clock goes back, or far ahead, on the way: parts that were joined',
      'the parts are shown one after the other',
    ]);
  examineBeginning(facts, add);
  const [main] = audio;
  const apart = video && main ? Math.abs(video.endTime - main.endTime) : 0;
  if (video && main && apart >= UNEVEN_END) {
    const shorter = video.endTime < main.endTime ? 'picture' : 'sound';
    add([
      'length_mismatch',
      'note',
      `the ${shorter} ends ${figure(apart)} s earlier`,
      shorter === 'picture' ? 'the last picture stays until the sound ends' : 'the rest is silent',
    ]);
  }
  if (declaredDuration !== null && facts.scanned && Math.abs(declaredDuration - facts.duration) >= LYING_DURATION) {
    add([
      'wrong_duration',
      'note',
      `the header says ${figure(declaredDuration)} s, the packets ${figure(facts.duration)} s`,
      'the packets are believed',
    ]);
  }
  const damage = facts.warnings.filter((line) => DAMAGE.test(line));
  if (damage.length > 0) add(['damaged', 'warning', damage.slice(0, 3).join('; '), 'what can be decoded is used']);
  else if (audio.some(({ hasHoles }) => hasHoles))
    add(['damaged', 'warning', 'packets of the sound are missing on the way', 'silence stands for them, in step']);
  examineLimits(facts, limits, add);
}

function examineBeginning({ video, warnings, scanned }: SourceFacts, add: Add): void {
  const [firstKey] = video?.keyframes ?? [];
  if (!video || !scanned || firstKey === undefined) return;
  const lost = warnings.find((line) => line.endsWith(LOST_FRAMES));
  if (lost !== undefined)
    add(['no_leading_keyframe', 'warning', lost, 'begins with the first picture that can be decoded']);
  else if (firstKey - video.startTime > 0.001) {
    const detail = `the first keyframe that is shown comes ${figure(firstKey - video.startTime)} s late (an edit list)`;
    add([
      'no_leading_keyframe',
      'note',
      detail,
      'decoded from the hidden keyframe before it; the stream is not copied',
    ]);
  }
}

function examineLimits({ video, duration, streams }: SourceFacts, limits: MediaLimits, add: Add): void {
  const beyond = [
    video && Math.max(video.width, video.height) > Math.max(limits.maxWidth, limits.maxHeight)
      ? `${video.width}x${video.height} pixels`
      : null,
    duration > limits.maxDuration ? `${figure(duration)} s` : null,
    streams > limits.maxStreams ? `${streams} streams` : null,
  ].filter((one) => one !== null);
  if (beyond.length > 0) add(['above_limit', 'warning', beyond.join(', '), 'refused']);
}

function tracks(subtitles: SourceFacts['subtitles']): string {
  return subtitles.map((one) => `${one.codec}${one.language ? ` (${one.language})` : ''}`).join(', ');
}
