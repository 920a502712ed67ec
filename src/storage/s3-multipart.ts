// Multipart uploads that nobody finished: finding and aborting them. Used by s3.ts for the janitor.
import type { S3Client } from '@aws-sdk/client-s3';

export type StaleMultipart = { readonly key: string; readonly uploadId: string; readonly startedAt: Date };
type Place = { readonly bucket: string; readonly prefix: string };

/** Uploads below the prefix begun before `olderThan`. Keys are the bucket's own, prefix included. */
export async function* listStaleMultiparts(
  client: S3Client,
  place: Place,
  olderThan: Date,
): AsyncGenerator<StaleMultipart> {
  const { ListMultipartUploadsCommand } = await import('@aws-sdk/client-s3');
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (after) {
    const page: Awaited<ReturnType<typeof ask>> = await ask(after);
    for (const { Key: key, UploadId: uploadId, Initiated: startedAt } of page.Uploads ?? []) {
      if (key !== undefined && uploadId !== undefined && startedAt !== undefined && startedAt < olderThan) {
        yield { key, uploadId, startedAt };
      }
    }
    after =
      page.IsTruncated && page.NextKeyMarker !== undefined
        ? { KeyMarker: page.NextKeyMarker, ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }) }
        : undefined;
  }

  function ask(markers: { KeyMarker?: string; UploadIdMarker?: string }) {
    return client.send(new ListMultipartUploadsCommand({ Bucket: place.bucket, Prefix: place.prefix, ...markers }));
  }
}

/** Resolves with how many were aborted. One that somebody else ended meanwhile counts for nothing. */
export async function abortStaleMultiparts(client: S3Client, place: Place, olderThan: Date): Promise<number> {
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  const stale: StaleMultipart[] = [];
  for await (const found of listStaleMultiparts(client, place, olderThan)) stale.push(found);
  let aborted = 0;
  for (const { key, uploadId } of stale) {
    try {
      await client.send(new AbortMultipartUploadCommand({ Bucket: place.bucket, Key: key, UploadId: uploadId }));
      aborted += 1;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
    }
  }
  return aborted;
}
