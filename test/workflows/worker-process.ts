// A worker in a process of its own, to be killed. Arguments: database URL, folder, sealing key (hex). Started by worker-death.test.ts.
import { openDatabase } from '#database/connect.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { executors, workForever } from './fake-executors.ts';
import { openTestPlatform } from './test-platform.ts';

const [url = '', folder = '', key = ''] = process.argv.slice(2);
const database = await openDatabase(url);
const settings = { WORKER_CONCURRENCY: '1' };
const { platform } = await openTestPlatform(database, {
  folder,
  settings,
  sealingKey: Buffer.from(key, 'hex'),
  supervise: true,
});
await startWorker(platform, executors(workForever));
process.send?.('working');
