// An intake in a process of its own that is to be killed. Arguments: database URL, folder, Redis URL. Started by encoder-intake.test.ts.
import pino from 'pino';
import { loadConfig } from '#config/load.ts';
import { openPlatform } from '#platform.ts';
import { startIntake } from '#workflows/encoder/start-intake.ts';

const [DATABASE_URL = '', DATA_DIR = '', REDIS_URL = ''] = process.argv.slice(2);
const config = loadConfig({ DATABASE_URL, DATA_DIR, REDIS_URL, AWS_STORAGE_BUCKET_NAME: 'media', POLL_INTERVAL: '1' });
startIntake(await openPlatform(config, { log: pino({ level: 'silent' }), works: false }));
process.send?.('taking');
