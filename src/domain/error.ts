// The one error class and the closed table of codes. Every room throws it; api/errors.ts alone turns it into HTTP.

/** Whose fault a failure is: it decides who must act, and whether trying again may help. */
export const FAULTS = ['caller', 'source', 'destination', 'media', 'platform'] as const;
export type Fault = (typeof FAULTS)[number];

type CodeFacts = { readonly fault: Fault; readonly retryable: boolean; readonly advice: string };

const code = (fault: Fault, retryable: boolean, advice: string): CodeFacts => ({ fault, retryable, advice });

/** Closed table: each code with whose fault it is, whether another try may succeed, and what the user can do. */
export const ERROR_CODES = {
  // what the caller asked for
  invalid_request: code('caller', false, 'Correct the named field and send the request again.'),
  invalid_setting: code('caller', false, 'Correct the named setting and start again.'),
  not_found: code('caller', false, 'Check the id; it may have been deleted or expired.'),
  conflict: code('caller', false, 'Look at the current state first; the action does not fit it.'),
  idempotency_conflict: code('caller', false, 'Use a new Idempotency-Key for a different request.'),
  unauthorized: code('caller', false, 'Send a valid key as "Authorization: Bearer KEY" or "X-API-Key: KEY".'),
  forbidden: code('caller', false, 'Use a key whose scopes allow this call.'),
  playback_denied: code('caller', false, 'Ask for a playback URL of this very video: POST /videos/{id}/playback_url.'),
  playback_expired: code('caller', false, 'Its time is over: ask for a new one with POST /videos/{id}/playback_url.'),
  too_large: code('caller', false, 'Send a smaller file, or raise the named limit.'),
  rate_limited: code('caller', true, 'Wait for the time in Retry-After, then go on.'),
  unsupported_codec: code('caller', false, 'Choose one of the named codecs.'),
  canceled: code('caller', false, 'Retry the job to start it again.'),
  limit_exceeded: code('caller', false, 'Use an input within the named limit, or raise the limit in the settings.'),
  // the source
  source_not_found: code('source', false, 'Check that the source exists at that place.'),
  source_unreachable: code('source', true, 'Check the address and that its server is up.'),
  source_denied: code('source', false, 'Check the credentials and permissions for the source.'),
  source_refused_address: code(
    'source',
    false,
    'Private addresses are refused; an operator can open them with EGRESS_ALLOW.',
  ),
  source_too_large: code('source', false, 'Use a smaller source, or raise MAX_SOURCE_BYTES.'),
  source_truncated: code('source', true, 'The transfer ended early; check the source server.'),
  source_redirects: code('source', false, 'Give the final address of the source.'),
  source_tls: code(
    'source',
    false,
    "The source server's certificate is not valid; renew it, use another address, or name its authority in EGRESS_CA_FILE.",
  ),
  source_mismatch: code(
    'source',
    false,
    'The object is another file than the one announced, or a part of it: upload it again, or announce its true size and duration.',
  ),
  checksum_mismatch: code('source', false, 'What came is not what was announced; send it again.'),
  // the destination
  destination_unreachable: code('destination', true, 'Check the address and that its server is up.'),
  destination_denied: code('destination', false, 'Check the credentials and permissions for the destination.'),
  destination_not_found: code('destination', false, 'Check that the bucket or folder exists.'),
  destination_refused: code('destination', true, 'The destination refused the file; its answer is in the detail.'),
  destination_refused_address: code(
    'destination',
    false,
    'Private addresses are refused; an operator can open them with EGRESS_ALLOW.',
  ),
  destination_tls: code(
    'destination',
    false,
    "The destination server's certificate is not valid; renew it, use another address, or name its authority in EGRESS_CA_FILE.",
  ),
  // the media itself
  not_media: code(
    'media',
    false,
    'The file is not video, audio or a picture that can be read. Check what was uploaded.',
  ),
  empty_source: code('media', false, 'The source has no bytes. Upload it again.'),
  unsupported_media: code(
    'media',
    false,
    'This format or codec cannot be decoded here; convert it first or install a newer FFmpeg.',
  ),
  encrypted_media: code('media', false, 'The media is encrypted; supply it without DRM.'),
  corrupt_media: code('media', false, 'The media is damaged and nothing of it could be decoded. Upload it again.'),
  no_video: code('media', false, 'The source has no video; ask for an audio output.'),
  no_audio: code('media', false, 'The source has no audio; ask for a video output.'),
  no_subtitles: code('media', false, 'The source has no such subtitles; the findings of the job name those it has.'),
  media_limit: code('media', false, 'The media is beyond a configured limit, named in the detail.'),
  // ours
  encode_failed: code('platform', true, 'The log of the job shows what FFmpeg said.'),
  encode_timeout: code(
    'platform',
    false,
    'The work took longer than its time limit; raise JOB_TIME_LIMIT_SECONDS or make it smaller.',
  ),
  hardware_failed: code('platform', true, 'The hardware encoder failed; software takes over.'),
  disk_full: code('platform', false, 'Free some disk space for DATA_DIR or TEMP_VIDEOS_DIR, then retry the job.'),
  lease_lost: code('platform', true, 'Another worker took the work over; nothing needs to be done.'),
  worker_lost: code('platform', false, 'The work ended its worker several times; the log of the job shows where.'),
  reported_failure: code(
    'platform',
    true,
    'The external worker that did the work reported this; its own log says more.',
  ),
  storage_failed: code('platform', true, 'Check the storage named in the detail.'),
  ffmpeg_missing: code('platform', false, 'Install FFmpeg 5.1 or newer, or set FFMPEG_PATH and FFPROBE_PATH.'),
  database_unreachable: code('platform', true, 'Check DATABASE_URL and that PostgreSQL is up.'),
  database_too_old: code('platform', false, 'Use PostgreSQL 15 or newer, or leave DATABASE_URL out.'),
  database_mismatch: code('platform', false, 'Run the version of Rendition that the database belongs to.'),
  wrong_key: code(
    'platform',
    false,
    'Name the key under which the credentials were stored, SECRET_KEY or DATA_DIR/secret.key, behind the new one: SECRET_KEY=NEW,OLD.',
  ),
  data_dir_unusable: code('platform', false, 'Give DATA_DIR to the user that runs Rendition, or choose another.'),
  port_taken: code('platform', false, 'Choose another PORT, or stop what listens there.'),
  shutting_down: code('platform', true, 'The server is stopping; the work goes on elsewhere or at the next start.'),
  internal: code('platform', true, 'This is a defect of the platform; report it with the log.'),
} as const satisfies Record<string, CodeFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One field that is wrong: where it stands (`outputs.0.width`) and what is allowed. */
export type FieldError = { readonly path: string; readonly message: string };

export type PlatformErrorOptions = {
  readonly cause?: unknown;
  readonly errors?: readonly FieldError[];
  /** Seconds after which another try makes sense (rate limits). */
  readonly retryAfter?: number;
  /** Overrides the table where the circumstances are known better (an HTTP 503 of a source is worth another try). */
  readonly retryable?: boolean;
};

/** The error of every room. `message` is written for the user: what, where, and what is allowed. */
export class PlatformError extends Error {
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly errors: readonly FieldError[];
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, options: PlatformErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PlatformError';
    this.code = code;
    this.fault = ERROR_CODES[code].fault;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    this.errors = options.errors ?? [];
    this.retryAfter = options.retryAfter;
  }

  /** What the user can do about it. */
  get advice(): string {
    return ERROR_CODES[this.code].advice;
  }
}

/** An error as it is stored with a job or an output and shown to the user. */
export type Failure = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fault: Fault;
  readonly retryable: boolean;
  readonly advice: string;
};

/** PostgreSQL's disk_full (SQLSTATE 53100). */
const DATABASE_FULL = '53100';

/** Any thrown value as a PlatformError; what is not one of ours is `internal`, with the original as its cause. */
export function toPlatformError(thrown: unknown): PlatformError {
  if (thrown instanceof PlatformError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isNodeError(thrown) && thrown.code === 'ENOSPC') {
    return new PlatformError('disk_full', `No space left on the disk: ${message}`, { cause: thrown });
  }
  // Nothing was written, and it can be as soon as there is room: work is tried again.
  if (isNodeError(thrown) && thrown.code === DATABASE_FULL)
    return new PlatformError('disk_full', 'No space left on the disk of the database', {
      cause: thrown,
      retryable: true,
    });
  return new PlatformError('internal', message, { cause: thrown });
}

/** The storable form of an error. */
export function toFailure(thrown: unknown): Failure {
  const { code, message, fault, retryable, advice } = toPlatformError(thrown);
  return { code, message, fault, retryable, advice };
}

export function isNodeError(thrown: unknown): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string';
}
