// A bucket of the tests' S3 server: a client, the bucket itself, our store on it, and the settings of a server that keeps its files there.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openS3 } from '#storage/s3.ts';
import type { Store } from '#storage/store.ts';
import type { Swift } from './swift.ts';

/** Whoever asks for it destroys it. */
export const openClient = ({ endpoint, accessKeyId, accessKeySecret }: Swift): S3Client =>
  new S3Client({
    region: 'us-east-1',
    endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey: accessKeySecret },
    // A server that has just started answers 503 now and then.
    maxAttempts: 10,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });

export async function makeBucket(swift: Swift, name: string): Promise<void> {
  const client = openClient(swift);
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }));
  } catch (error) {
    // A try whose answer was lost has made it.
    if (!(error instanceof Error && /^BucketAlready/.test(error.name))) throw error;
  } finally {
    client.destroy();
  }
}

/** Whoever asks for it closes it. */
export const openBucket = ({ endpoint, accessKeyId, accessKeySecret }: Swift, bucket: string): Store =>
  openS3({
    ...{ bucket, endpoint, prefix: '', region: null, forcePathStyle: null },
    credentials: { accessKeyId, accessKeySecret, sessionToken: null },
    ...{ role: 'destination', acl: null, guard: null },
  });

/** How a server comes to the bucket. */
export const bucketAccess = ({ endpoint, accessKeyId, accessKeySecret }: Swift): Record<string, string> => ({
  S3_ENDPOINT: endpoint,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: accessKeySecret,
});
