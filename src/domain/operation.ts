// An operation of a session: one file in, one file out. Its status follows from its job; nothing is copied. Pure.
import type { Failure } from '#domain/error.ts';
import type { MediaType } from '#domain/operations/definition.ts';

export const OPERATION_STATUSES = ['pending', 'queued', 'processing', 'completed', 'failed', 'cancelled'] as const;
/** pending: an operator has paused it · queued: nothing of it has begun, though it may have been looked at. */
export type OperationStatus = (typeof OPERATION_STATUSES)[number];

export const FILE_TYPES = ['input', 'output'] as const;
export type FileType = (typeof FILE_TYPES)[number];

/** What is known of a file's content; only what it has: a picture has no duration. */
export type FileMetadata = {
  readonly format?: string;
  /** seconds */
  readonly duration?: number;
  /** pixels, upright */
  readonly width?: number;
  readonly height?: number;
  readonly video_codec?: string;
  readonly audio_codec?: string;
  /** frames/s */
  readonly frame_rate?: number;
  /** Hz */
  readonly sample_rate?: number;
  readonly channels?: number;
  /** bits/s over everything */
  readonly bitrate?: number;
};

export type OperationFile = {
  readonly id: string;
  readonly type: FileType;
  /** Key in managed storage; null for what lies in Cloudinary. */
  readonly path: string | null;
  /** For people; never a path. */
  readonly name: string;
  /** bytes; null where the one who has it does not say */
  readonly size: number | null;
  readonly mimeType: string;
  readonly cloudinaryPublicId: string | null;
  readonly cloudinaryUrl: string | null;
  readonly metadata: FileMetadata;
};

/** Whose operations a caller may see. */
export type SessionRef = { readonly projectId: string; readonly sessionKey: string };

export type OperationRecord = SessionRef & {
  readonly id: string;
  readonly jobId: number;
  readonly operation: string;
  readonly mediaType: MediaType;
  /** As they were asked for. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly status: OperationStatus;
  /** 0–100, whole; 100 only when completed */
  readonly progress: number;
  readonly etaSeconds: number | null;
  readonly error: Failure | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  /** OPERATION_EXPIRY_HOURS after its end; null before that. */
  readonly expiresAt: Date | null;
  readonly files: readonly OperationFile[];
};

export const inputOf = ({ files }: Pick<OperationRecord, 'files'>): OperationFile | null =>
  files.find(({ type }) => type === 'input') ?? null;
export const outputOf = ({ files }: Pick<OperationRecord, 'files'>): OperationFile | null =>
  files.find(({ type }) => type === 'output') ?? null;

const LONGEST_NAME = 200;

/** A file name as it may be shown and offered for saving: no folders, no control characters, nothing that turns text around. */
export function safeFileName(name: string): string {
  const last = name.toWellFormed().split(/[\\/]/).at(-1) ?? '';
  const clean = last
    // How browsers write quotes and line ends of a name in a form (HTML, multipart/form-data encoding).
    .replaceAll(/%(22|0A|0D)/gi, '_')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}<>:"|?*]/gu, '_')
    .trim()
    .replace(/^\.+/, '')
    .replace(/[. ]+$/, '');
  if (clean === '') return 'file';
  const [, extension = ''] = /(\.[A-Za-z0-9]{1,10})$/.exec(clean) ?? [];
  return clean.length <= LONGEST_NAME
    ? clean
    : clean.slice(0, LONGEST_NAME - extension.length).toWellFormed() + extension;
}

/** `holiday.webp` for what was made of holiday.png. */
export const outputName = (input: string, extension: string): string =>
  safeFileName(`${input.replace(/\.[^.]*$/, '') || 'file'}.${extension}`);
