// What lies behind a URL, and its bytes: read on from where a connection broke, as long as it is the same object. Used by http.ts.
import type { Readable } from 'node:stream';
import { PlatformError } from '#domain/error.ts';
import { wantedRange } from '#storage/byte-range.ts';
import type { Guard } from '#storage/egress.ts';
import { checkStatus, discard, exchange, type HttpAnswer, publicUrl } from '#storage/http-exchange.ts';
import { type Place, requestFor } from '#storage/http-place.ts';
import { type ReadAttempt, resumingRead } from '#storage/resuming-read.ts';
import { storageError, transportError } from '#storage/storage-error.ts';
import type { ObjectInfo, ReadOptions } from '#storage/store.ts';

export async function statObject(place: Place, key: string, signal: AbortSignal | undefined): Promise<ObjectInfo> {
  const head = await exchange({ ...requestFor(place, key, 'HEAD'), signal });
  discard(head.body);
  if (head.status >= 200 && head.status < 300 && length(head) !== null) return describe(key, head, length(head));
  // Many servers answer HEAD wrongly or not at all, and a signed URL is signed for GET alone: one byte tells as much.
  const asking = requestFor(place, key, 'GET');
  const answer = await exchange({ ...asking, headers: { ...asking.headers, range: 'bytes=0-0' }, signal });
  if (answer.status === 416) {
    discard(answer.body);
    return describe(key, answer, contentRange(answer)?.size ?? 0);
  }
  checkStatus(answer, place.guard.role);
  discard(answer.body);
  return describe(key, answer, answer.status === 206 ? (contentRange(answer)?.size ?? null) : length(answer));
}

function describe(key: string, { header }: HttpAnswer, size: number | null): ObjectInfo {
  const modified = Date.parse(header('last-modified') ?? '');
  return {
    key,
    size,
    contentType: header('content-type') ?? null,
    etag: header('etag') ?? null,
    modifiedAt: Number.isNaN(modified) ? null : new Date(modified),
  };
}

function length({ header }: HttpAnswer): number | null {
  const value = header('content-length');
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null;
}

type ContentRange = { readonly start: number; readonly end: number; readonly size: number | null };

/** RFC 9110 §14.4: `bytes 0-99/1234`, with `*` for what is not known. `end` is exclusive. */
function contentRange({ header }: HttpAnswer): ContentRange | null {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(header('content-range') ?? '');
  if (!match) return null;
  return {
    start: Number(match[1] ?? 0),
    end: Number(match[2] ?? -1) + 1,
    size: match[3] === '*' ? null : Number(match[3]),
  };
}

export async function readObject(place: Place, key: string, reading: ReadOptions): Promise<Readable> {
  const { role } = place.guard;
  const { start, end } = wantedRange(key, reading, null);
  const asking = requestFor(place, key, 'GET');
  const where = publicUrl(asking.url);
  let validator: string | undefined;
  let wantedEnd = end;

  const open = async (offset: number, signal: AbortSignal): Promise<ReadAttempt> => {
    const ranged = offset > 0 || wantedEnd !== null;
    const last = wantedEnd === null ? '' : String(wantedEnd - 1);
    const answer = await exchange({
      ...asking,
      headers: {
        ...asking.headers,
        ...(ranged && { range: `bytes=${offset}-${last}` }),
        // RFC 9110 §13.1.5: the rest of the same object, or all of the new one.
        ...(validator !== undefined && { 'if-range': validator }),
      },
      signal,
    });
    if (answer.status === 416) return emptyRange(answer, where, offset);
    checkStatus(answer, role);
    const range = answer.status === 206 ? contentRange(answer) : null;
    const began = answer.status === 206 ? range?.start : 0;
    if (began !== offset || isPacked(answer)) {
      discard(answer.body);
      throw storageError(unusable(where, answer, validator !== undefined), {
        role,
        fault: fault(validator),
        retryable: false,
      });
    }
    validator ??= validatorOf(answer);
    const answered = range ? range.end : length(answer);
    // A server without ranges sends everything; what was not asked for is cut off.
    wantedEnd = wantedEnd === null ? answered : Math.min(wantedEnd, answered ?? wantedEnd);
    return {
      body: answer.body,
      end: wantedEnd,
      resumable: validator !== undefined && answer.header('accept-ranges') !== 'none',
    };
  };
  return resumingRead({
    open,
    start,
    signal: reading.signal,
    stallTimeout: place.timeouts.stall,
    toError: (cause) => brokenTransfer(where, role, cause),
    toTruncated: (got, wanted) =>
      storageError(`${where} ended after ${got} of ${wanted} bytes.`, { role, fault: 'truncated' }),
  });
}

function emptyRange(answer: HttpAnswer, where: string, offset: number): ReadAttempt {
  if (offset > 0) {
    discard(answer.body);
    throw new PlatformError('invalid_request', `The range begins behind the end of ${where}.`);
  }
  return { body: answer.body, end: 0, resumable: false };
}

function isPacked({ header }: HttpAnswer): boolean {
  return /gzip|deflate|br|zstd|compress/i.test(header('content-encoding') ?? '');
}

function unusable(where: string, answer: HttpAnswer, resumed: boolean): string {
  if (isPacked(answer)) return `${where} is sent compressed although that was not asked for.`;
  if (resumed && answer.status === 200) return `${where} was changed while it was being read, or cannot be resumed.`;
  return `${where} does not serve byte ranges.`;
}

function fault(validator: string | undefined): 'truncated' | 'refused' {
  return validator === undefined ? 'refused' : 'truncated';
}

/** What makes sure that a resumed read is of the same object: a strong ETag, or else the date of the last change. */
function validatorOf({ header }: HttpAnswer): string | undefined {
  const etag = header('etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : header('last-modified');
}

/** A connection that ended in the middle of an answer is a truncated source, whatever undici calls it. */
function brokenTransfer(where: string, role: Guard['role'], cause: unknown): Error {
  const error = transportError(where, role, cause);
  if (!(error instanceof PlatformError) || !error.code.endsWith('_unreachable')) return error;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return storageError(`The transfer of ${where} broke off: ${detail}.`, { role, fault: 'truncated', cause });
}
