// The log of a command, on standard error: JSON lines for machines, plain ones on a terminal. Used by the commands.
import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import type { Config } from '#config/settings.ts';

/** Standard output is for what the command is asked for. */
export function createLogger({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>): Logger {
  const options = { level: LOG_LEVEL, base: null, redact: ['req.headers.authorization', 'req.headers["x-api-key"]'] };
  return process.stderr.isTTY ? pino(options, plainLines()) : pino(options, pino.destination({ dest: 2, sync: true }));
}

function plainLines(): Writable {
  return new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      const {
        level,
        time,
        msg,
        err,
        reqId: _,
        ...rest
      } = JSON.parse(String(line)) as Readonly<Record<string, unknown>>;
      const fields = Object.entries(rest).map(
        ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      const failure = isFailure(err) ? `\n${err.stack ?? err.message}` : '';
      const label = pino.levels.labels[Number(level)] ?? '';
      process.stderr.write(
        `${new Date(Number(time)).toISOString().slice(11, 19)} ${label.padEnd(5)} ${[String(msg ?? ''), ...fields].join(' ')}${failure}\n`,
        () => done(),
      );
    },
  });
}

const isFailure = (value: unknown): value is { readonly stack?: string; readonly message: string } =>
  typeof value === 'object' && value !== null && 'message' in value;
