// Makes the bucket of STORAGE_URL where it is missing, once its server answers. Run by compose before the others start.
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3ServiceException } from '@aws-sdk/client-s3';
import { readEnvironment } from '#config/read-environment.ts';
import { s3Settings } from '#platform.ts';
import { createS3Client } from '#storage/s3-client.ts';

const START_SECONDS = 120;

const config = readEnvironment();
const bucket = /^s3:\/\/([^/?#]+)/i.exec(config.STORAGE_URL ?? '')?.[1];
if (bucket === undefined) throw new Error('STORAGE_URL is not s3://bucket/prefix');
const common = { bucket, prefix: '', role: 'managed', acl: null, guard: null, forcePathStyle: null } as const;
const client = await createS3Client({ ...common, ...s3Settings(config) });

const deadline = performance.now() + START_SECONDS * 1000;
let outcome = await attempt(bucket);
while (outcome === null) {
  await sleep(1000);
  outcome = await attempt(bucket);
}
process.stdout.write(`${outcome}\n`);

/** What was done, or null where it should be tried again: a server that is starting refuses, or answers that it is not ready. */
async function attempt(name: string): Promise<string | null> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }));
    return `the bucket ${name} was made`;
  } catch (error) {
    if (error instanceof S3ServiceException) {
      if (error.name === 'BucketAlreadyOwnedByYou' || error.name === 'BucketAlreadyExists')
        return `the bucket ${name} is there`;
      if ((error.$metadata.httpStatusCode ?? 500) < 500) throw error;
    }
    if (performance.now() > deadline) throw error;
    return null;
  }
}
