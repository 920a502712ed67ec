// Opens the platform for a command that does one thing and ends, with warnings and errors only. Used by keys, retention, reseal, openapi.
import { createLogger } from '#cli/logger.ts';
import { readEnvironment } from '#config/read-environment.ts';
import { type OpenPlatform, openPlatform } from '#platform.ts';

export function openForCommand(): Promise<OpenPlatform> {
  const config = readEnvironment();
  const quiet = config.LOG_LEVEL === 'info' ? 'warn' : config.LOG_LEVEL;
  return openPlatform(config, { log: createLogger({ LOG_LEVEL: quiet }), works: false });
}
