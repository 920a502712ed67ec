// What the encoder cannot encode: the reason in job, log and callback.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openServer } from '../api/open-server.ts';
import { eventually } from '../kit/eventually.ts';
import {
  ended,
  film,
  listed,
  logs,
  put,
  server,
  settings,
  skip,
  startBackend,
  submit,
  told,
} from './encoder-bucket.ts';

describe('what cannot be encoded is failed, with its reason in job, log and callback:', skip, () => {
  type Case = {
    readonly videoId: string;
    readonly bytes?: Buffer;
    readonly more?: object;
    readonly own?: Record<string, string>;
    readonly says: RegExp;
  };
  const cases = (): Record<string, Case> => ({
    'an object that is not there': {
      videoId: 'absent',
      says: /There is no object s3:\/\/media\/videos\/absent\/original\/video\.mp4/,
    },
    'a file that is no video': {
      videoId: 'text',
      bytes: Buffer.from('this is no video at all\n'.repeat(1000)),
      more: { input_file_size: null, duration: null },
      says: /./,
    },
    'a video that is cut off': {
      videoId: 'cut',
      bytes: film.subarray(0, Math.floor(film.length / 2)),
      says: /not whole, or another file/,
    },
    'another video than the announced one': {
      videoId: 'other',
      bytes: film,
      more: { input_file_size: null, duration: 60 },
      says: /another file, or a part of it/,
    },
    'a wrong key': { videoId: 'denied', bytes: film, own: { AWS_SECRET_ACCESS_KEY: 'wrong' }, says: /denies access/ },
    'a wrong bucket': {
      videoId: 'nowhere',
      own: { AWS_STORAGE_BUCKET_NAME: 'no-such-bucket' },
      says: /bucket|no object/i,
    },
    'a time limit that is over': {
      videoId: 'slow',
      bytes: film,
      own: { ENCODER_TIME_LIMIT_SECONDS: '1', ENCODE_PRESET: 'veryslow' },
      more: { preset: 'veryslow', quality_presets: ['360p'] },
      says: /^FFmpeg timeout after 1 seconds$/,
    },
  });
  for (const name of [
    'an object that is not there',
    'a file that is no video',
    'a video that is cut off',
    'another video than the announced one',
    'a wrong key',
    'a wrong bucket',
    'a time limit that is over',
  ]) {
    test(name, async () => {
      const { videoId, bytes, more, own, says } = cases()[name] as Case;
      await startBackend();
      if (bytes) await put(videoId, bytes);
      const at = own ? await openServer({ works: true, settings: { ...settings(), ...own } }) : server;
      try {
        const id = await submit(videoId, more, at);
        const job = await ended(id, at);
        assert.equal(job.status, 'failed');
        assert.match(job.error_message ?? '', says);
        assert.deepEqual([job.hls_master_key, job.output_file_size, job.qualities], [null, null, []]);
        assert.equal((await logs(id, at)).at(-1), `error: Encoding failed: ${job.error_message}`);
        const [last] = (
          await eventually(async () => told(videoId), { until: (all) => all.at(-1)?.status === 'failed' })
        ).slice(-1);
        assert.deepEqual([last?.job_id, last?.error_message], [id, job.error_message]);
        await eventually(async () => assert.deepEqual(await listed(`videos/${videoId}/hls`), []));
      } finally {
        if (at !== server) await at[Symbol.asyncDispose]();
      }
    });
  }
});
