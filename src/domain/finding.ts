// The source doctor's vocabulary: what is odd about a source, and what is done about it.

/** Closed list: each oddity the doctor knows, with one sentence for the user. */
export const FINDING_CODES = {
  rotated: 'The picture carries a rotation or a mirroring.',
  anamorphic: 'The pixels are not square.',
  odd_size: 'Width or height is odd; encoders need even sizes.',
  variable_frame_rate: 'The frame rate varies.',
  high_frame_rate: 'The frame rate is above what streams carry.',
  hdr: 'The picture is HDR.',
  wide_gamut: 'The colours are those of BT.2020, without HDR.',
  dolby_vision: 'The stream carries Dolby Vision metadata.',
  high_bit_depth: 'The picture has more than 8 bits per sample.',
  unusual_chroma: 'The colour sampling is not 4:2:0.',
  full_range: 'The picture uses full-range levels.',
  alpha: 'The picture has transparency.',
  interlaced: 'The picture is interlaced.',
  late_start: 'Streams start late, or at different times.',
  clock_jumps: 'The clock jumps on the way.',
  no_leading_keyframe: 'The stream does not begin with a keyframe.',
  no_audio: 'There is no sound.',
  no_video: 'There is no video.',
  cover_art: 'The only picture is cover art.',
  several_programs: 'The broadcast carries more than one program.',
  several_videos: 'There is more than one video stream.',
  surround: 'The sound has more than two channels.',
  mono: 'The sound is mono.',
  mono_pairs: 'Mono tracks are the two sides of a stereo sound.',
  several_audio_tracks: 'There is more than one audio track.',
  text_subtitles: 'There are text subtitles.',
  bitmap_subtitles: 'There are bitmap subtitles.',
  length_mismatch: 'Sound and picture do not end together.',
  wrong_duration: 'The header lies about the duration.',
  damaged: 'Parts of the file are damaged.',
  still_picture: 'The source is a single picture.',
  long_gop: 'Keyframes are far apart.',
  above_limit: 'The source is beyond a configured limit.',
  undecodable_stream: 'A stream cannot be decoded here.',
  standard: 'The source can be streamed as it is.',
} as const satisfies Record<string, string>;

export type FindingCode = keyof typeof FINDING_CODES;

export type Finding = {
  readonly code: FindingCode;
  /** note: nothing is lost · change: the picture or sound is adapted · warning: something of the source is missing in the result. */
  readonly severity: 'note' | 'change' | 'warning';
  /** What was seen, with its figures: "1920x1080 with a rotation of 90°". */
  readonly detail: string;
  /** What is done about it: "turned upright before scaling". */
  readonly action: string;
};
