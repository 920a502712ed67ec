// The source doctor: what is odd about a source and what is done about it. Pure; its findings are stored with the job and shown to the user.
import type { Finding } from '#domain/finding.ts';
import type { PicturePreparation } from '#domain/plan.ts';
import type { SourceFacts, VideoFacts } from '#domain/source-facts.ts';
import { examinePicture, examineStill, isInterlaced, isWideGamut } from '#media/examine-picture.ts';
import { examineClock, examineTracks } from '#media/examine-streams.ts';
import type { Add } from '#media/findings.ts';
import type { MediaLimits } from '#media/tool.ts';

/** What video is laid on where it is transparent. */
const BACKGROUND = '0x000000';

/** Every finding of a source, in the order of the codes; of an ordinary one only `standard`. */
export function examine(facts: SourceFacts, limits: MediaLimits): Finding[] {
  const found: Finding[] = [];
  const add: Add = ([code, severity, detail, action]) => found.push({ code, severity, detail, action });
  if (facts.isStill) examineStill(facts, add);
  else if (facts.video) examinePicture(facts.video, limits, add);
  examineTracks(facts, add);
  if (!facts.isStill) examineClock(facts, limits, add);
  const { standard } = isStandard(facts);
  if (standard)
    add([
      'standard',
      'note',
      'H.264, 8 bit 4:2:0, upright, constant frame rate, regular keyframes',
      'the source itself can be the top rendition, without encoding',
    ]);
  return found;
}

/** What the findings mean for the picture on its way to the encoders. A still picture is made upright, SDR and opaque before. */
export function preparation(facts: SourceFacts): PicturePreparation {
  const { video } = facts;
  const untouched: PicturePreparation = {
    steady: false,
    deinterlace: false,
    rotation: 0,
    mirrored: false,
    toneMap: null,
    background: null,
    fullRange: false,
    hold: facts.isStill,
  };
  if (!video || facts.isStill) return untouched;
  return {
    steady: mayChangeSize(facts, video),
    deinterlace: isInterlaced(video),
    rotation: video.rotation,
    mirrored: video.mirrored,
    toneMap: video.hdr,
    background: video.hasAlpha ? BACKGROUND : null,
    fullRange: video.color.range === 'pc' && video.chroma !== 'rgb',
    hold: false,
  };
}

/** Planar pictures, which every filter can draw on. */
const PLANAR = /^yuv(a|j)?4\d\dp(\d+le)?$/;

/** MP4 and MOV hold one size for a track in their index; elsewhere the stream itself says it, and may say another one later. */
const mayChangeSize = ({ container }: SourceFacts, { pixelFormat }: VideoFacts): boolean =>
  !container.startsWith('mov,') && PLANAR.test(pixelFormat ?? '');

/** seconds: players and segmenters stumble over longer ones */
const LONGEST_GOP = 10;
/** Seconds of sound behind a copied picture, which nobody holds: whole segments would be empty. */
const LONGEST_TAIL = 2;
const CONTAINERS = ['mov', 'matroska'];
/** High 4:2:2 and the like never reach here by their pixels; Extended is what no browser decodes. */
const PROFILES = new Set(['Constrained Baseline', 'Baseline', 'Main', 'High', 'Progressive High', 'Constrained High']);

type Rule = readonly [reason: string, fails: (video: VideoFacts, facts: SourceFacts) => boolean];

/** Each with the reason it gives. */
const RULES: readonly Rule[] = [
  ['the packets were not all read', (_, facts) => !facts.scanned],
  // Parts of different makers have headers of their own.
  ['its clock jumps: it was joined of parts', (_, facts) => facts.clock !== undefined],
  [
    'the container is neither MP4, MOV nor Matroska',
    (_, facts) => !facts.container.split(',').some((name) => CONTAINERS.includes(name)),
  ],
  ['the video is not H.264', (video) => video.codec !== 'h264'],
  [
    'the H.264 profile is none that browsers play',
    (video) => video.codec === 'h264' && !PROFILES.has(video.profile ?? ''),
  ],
  ['the picture is not 8 bit 4:2:0', (video) => video.bitDepth !== 8 || video.chroma !== '420' || video.hasAlpha],
  ['the levels are full range', (video) => video.color.range === 'pc'],
  [
    'the picture is HDR, or tagged so',
    (video) =>
      video.hdr !== null ||
      video.dolbyVisionProfile !== null ||
      ['smpte2084', 'arib-std-b67'].includes(video.color.transfer ?? ''),
  ],
  ['the colours are those of BT.2020', (video) => isWideGamut(video)],
  ['the picture is interlaced', (video) => video.fieldOrder !== 'progressive' && video.fieldOrder !== 'unknown'],
  // A copied stream loses its rotation.
  ['the picture is turned or mirrored', (video) => video.rotation !== 0 || video.mirrored],
  ['the pixels are not square', (video) => video.sampleAspectRatio.num !== video.sampleAspectRatio.den],
  // A copied stream keeps its header.
  ['the header claims pixels of a shape that no picture has', (video) => video.absurdAspect === true],
  ['the size is odd', (video) => video.width % 2 !== 0 || video.height % 2 !== 0],
  ['the frame rate varies', (video) => !video.constantFrameRate || video.frames < 2],
  [
    'the frame rate is above 60',
    (video) => (video.averageFrameRate?.num ?? 0) > 60.5 * (video.averageFrameRate?.den ?? 1),
  ],
  [`keyframes are more than ${LONGEST_GOP} s apart`, (video) => video.longestGop > LONGEST_GOP],
  ['an edit list shows parts of it again, or leaves some out', (video) => video.jumpsBack === true],
  ['pictures before a keyframe lean on what comes before it (open GOPs)', (video) => video.hasOpenGops],
  // An edit list that begins between keyframes hides frames, which a copy would show.
  [
    'the first picture is no keyframe',
    (video) => video.keyframes[0] === undefined || Math.abs(video.keyframes[0] - video.startTime) > 0.001,
  ],
  ['the picture starts later than the sound', (video, facts) => video.startTime - facts.startTime > frameTime(video)],
  [
    'the picture ends long before the sound',
    // Not by the length of the whole: of a file that still arrives, more of both is to come.
    (video, { audio }) => audio.some(({ endTime }) => endTime - video.endTime > LONGEST_TAIL),
  ],
  ['the sound is not AAC', (_, facts) => facts.audio[0] !== undefined && facts.audio[0].codec !== 'aac'],
  [
    'the file is damaged',
    (_, facts) =>
      facts.warnings.some((line) =>
        /partial file|corrupt|prematurely|error while decoding|invalid NAL unit size/i.test(line),
      ),
  ],
];

/**
 * Reasons are what stands against it, in words; none where the source is standard.
 * @param packaged by its index, where each frame keeps its own duration: single ones may be missing
 */
export function isStandard(
  facts: SourceFacts,
  packaged = false,
): { readonly standard: boolean; readonly reasons: readonly string[] } {
  const { video } = facts;
  if (!video || facts.isStill)
    return { standard: false, reasons: [facts.isStill ? 'a picture is no stream' : 'there is no video'] };
  const seen = packaged && video.skipsFrames ? { ...video, constantFrameRate: true } : video;
  const reasons = RULES.filter(([, fails]) => fails(seen, facts)).map(([reason]) => reason);
  return { standard: reasons.length === 0, reasons };
}

function frameTime({ averageFrameRate }: VideoFacts): number {
  return averageFrameRate === null ? 0 : averageFrameRate.den / averageFrameRate.num;
}
