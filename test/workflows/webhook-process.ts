// A worker in a process of its own that sends webhooks and is to be killed. Arguments: database URL, folder, sealing key (hex). Started by webhook-death.test.ts.
import { openDatabase } from '#database/connect.ts';
import { startWorker } from '#workflows/start-worker.ts';
import { executors } from './fake-executors.ts';
import { openTestPlatform } from './test-platform.ts';

const [url = '', folder = '', key = ''] = process.argv.slice(2);
const database = await openDatabase(url);
const { platform } = await openTestPlatform(database, { folder, sealingKey: Buffer.from(key, 'hex'), supervise: true });
await startWorker(platform, executors(), { delays: Array(10).fill(0.05), timeLimit: 400 });
process.send?.('working');
