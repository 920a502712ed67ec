// A process that holds an embedded database until its standard input ends. Started, and killed, by embedded.test.ts.
import { startEmbedded } from '#database/embedded.ts';

const database = await startEmbedded({ folder: process.argv[2] ?? '', durable: true });
process.stdout.write(`${JSON.stringify({ url: database.url, port: database.port })}\n`);
process.stdin.resume().once('end', () => void database.close());
