// Joining objects inside S3, and multipart uploads that clients send themselves. Used by s3.ts.

import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { S3Client } from '@aws-sdk/client-s3';
import { PlatformError } from '#domain/error.ts';
import type { DirectUploads, SizedObject, UploadedPart } from '#storage/piecewise.ts';

/** What S3 wants of every part but the last. */
const LEAST_PART = 5 * 1024 ** 2;
/** Far below the 5 GiB that one copy may be: a broken one is repeated. */
const MOST_COPY = 512 * 1024 ** 2;
const MOST_PARTS = 9000;
const COPIES_AT_ONCE = 8;

export type S3Place = { readonly bucket: string; readonly prefix: string };
export type Joining = {
  readonly key: string;
  readonly parts: readonly SizedObject[];
  readonly signal: AbortSignal | undefined;
  readonly read: (key: string, range: { readonly start: number; readonly end: number }) => Promise<Readable>;
};

/** One part of the result: a range of an object that S3 copies by itself, or bytes too few for a part of their own. */
export type JoinStep =
  | { readonly kind: 'copy'; readonly key: string; readonly start: number; readonly end: number }
  | {
      readonly kind: 'bytes';
      readonly ranges: readonly { readonly key: string; readonly start: number; readonly end: number }[];
    };

/** How objects become the parts of one: as much as can be by copy; ends are inclusive, as in a Range header. Pure. */
export function planJoin(objects: readonly SizedObject[]): JoinStep[] {
  const total = objects.reduce((sum, { size }) => sum + size, 0);
  const least = Math.max(LEAST_PART, Math.ceil(total / MOST_PARTS));
  const steps: JoinStep[] = [];
  let small: { key: string; start: number; end: number }[] = [];
  let smallBytes = 0;
  const add = (key: string, start: number, length: number) => {
    if (length === 0) return;
    small.push({ key, start, end: start + length - 1 });
    smallBytes += length;
  };
  const flush = () => {
    if (smallBytes > 0) steps.push({ kind: 'bytes', ranges: small });
    [small, smallBytes] = [[], 0];
  };
  for (const { key, size } of objects) {
    // What came before is too little for a part: it takes the beginning of this one with it.
    const start = smallBytes > 0 ? Math.min(size, least - smallBytes) : 0;
    add(key, 0, start);
    if (smallBytes >= least) flush();
    const left = size - start;
    if (left < least) {
      add(key, start, left);
      continue;
    }
    const copies = Math.ceil(left / MOST_COPY);
    const length = Math.ceil(left / copies);
    for (let at = start; at < size; at += length)
      steps.push({ kind: 'copy', key, start: at, end: Math.min(size, at + length) - 1 });
  }
  flush();
  return steps;
}

/** @throws what the SDK throws */
export async function joinInS3(client: S3Client, place: S3Place, { key, parts, signal, read }: Joining): Promise<void> {
  const sdk = await import('@aws-sdk/client-s3');
  const target = { Bucket: place.bucket, Key: place.prefix + key };
  const ending = signal ? { abortSignal: signal } : {};
  const bytesOf = async (ranges: Extract<JoinStep, { kind: 'bytes' }>['ranges']) => {
    const found: Buffer[] = [];
    for (const range of ranges) found.push(await buffer(await read(range.key, range)));
    return Buffer.concat(found);
  };
  const steps = planJoin(parts);
  const [first] = steps;
  if (steps.length <= 1 && first?.kind !== 'copy') {
    const body = first ? await bytesOf(first.ranges) : Buffer.alloc(0);
    await client.send(new sdk.PutObjectCommand({ ...target, Body: body }), ending);
    return;
  }
  const { UploadId: id } = await client.send(new sdk.CreateMultipartUploadCommand(target), ending);
  if (id === undefined) throw new PlatformError('storage_failed', 'S3 began a multipart upload without an id');
  try {
    const made: { PartNumber: number; ETag: string }[] = [];
    const one = async (step: JoinStep, index: number) => {
      const part = { ...target, UploadId: id, PartNumber: index + 1 };
      const etag =
        step.kind === 'bytes'
          ? (await client.send(new sdk.UploadPartCommand({ ...part, Body: await bytesOf(step.ranges) }), ending)).ETag
          : (
              await client.send(
                new sdk.UploadPartCopyCommand({
                  ...part,
                  CopySource: encodeURI(`${place.bucket}/${place.prefix}${step.key}`),
                  CopySourceRange: `bytes=${step.start}-${step.end}`,
                }),
                ending,
              )
            ).CopyPartResult?.ETag;
      if (etag === undefined) throw new PlatformError('storage_failed', 'S3 stored a part without an ETag');
      made.push({ PartNumber: index + 1, ETag: etag });
    };
    const queue = steps.entries();
    await Promise.all(
      Array.from({ length: COPIES_AT_ONCE }, async () => {
        for (const [index, step] of queue) await one(step, index);
      }),
    );
    made.sort((a, b) => a.PartNumber - b.PartNumber);
    await client.send(
      new sdk.CompleteMultipartUploadCommand({ ...target, UploadId: id, MultipartUpload: { Parts: made } }),
      ending,
    );
  } catch (error) {
    await client.send(new sdk.AbortMultipartUploadCommand({ ...target, UploadId: id }));
    throw error;
  }
}

/** @param connect the client, and what its errors become */
export function directUploads(
  place: S3Place,
  connect: <T>(key: string, work: (client: S3Client) => Promise<T>) => Promise<T>,
): DirectUploads {
  const target = (key: string) => ({ Bucket: place.bucket, Key: place.prefix + key });
  return {
    begin: (key, contentType) =>
      connect(key, async (client) => {
        const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
        const type = contentType === null ? {} : { ContentType: contentType };
        const { UploadId: id } = await client.send(new CreateMultipartUploadCommand({ ...target(key), ...type }));
        if (id === undefined) throw new PlatformError('storage_failed', 'S3 began a multipart upload without an id');
        return id;
      }),
    sign: (key, { id, number, seconds }) =>
      connect(key, async (client) => {
        const { UploadPartCommand } = await import('@aws-sdk/client-s3');
        const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
        const command = new UploadPartCommand({ ...target(key), UploadId: id, PartNumber: number });
        return getSignedUrl(client, command, { expiresIn: seconds });
      }),
    parts: (key, id) => connect(key, (client) => listParts(client, { ...target(key), UploadId: id })),
    complete: (key, id, parts) =>
      connect(key, async (client) => {
        const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
        const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
        await client.send(
          new CompleteMultipartUploadCommand({ ...target(key), UploadId: id, MultipartUpload: { Parts } }),
        );
      }),
    abort: (key, id) =>
      connect(key, async (client) => {
        const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
        try {
          await client.send(new AbortMultipartUploadCommand({ ...target(key), UploadId: id }));
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
        }
      }),
  };
}

type PartsOf = { readonly Bucket: string; readonly Key: string; readonly UploadId: string };

async function listParts(client: S3Client, of: PartsOf): Promise<UploadedPart[]> {
  const { ListPartsCommand } = await import('@aws-sdk/client-s3');
  const found: UploadedPart[] = [];
  for (let marker: string | undefined = '0'; marker !== undefined; ) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(marker);
    for (const { PartNumber: number, Size: size, ETag: etag } of page.Parts ?? [])
      if (number !== undefined && size !== undefined && etag !== undefined) found.push({ number, size, etag });
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  }
  return found.sort((a, b) => a.number - b.number);

  function ask(after: string) {
    return client.send(new ListPartsCommand({ ...of, PartNumberMarker: after }));
  }
}
