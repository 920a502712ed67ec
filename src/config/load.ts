// Turns environment and `.env` into the Config, or names everything that is wrong with them. Pure; called by read-environment.ts.
import { resolve } from 'node:path';
import { keepReport, reportSetting, type SettingReport } from '#config/describe-settings.ts';
import { findNearest } from '#config/nearest-name.ts';
import { parseDotenv } from '#config/parse-dotenv.ts';
import { type Config, SETTINGS, type Setting, type SettingName } from '#config/settings.ts';

/** What is wrong with the settings: one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** What relative paths are meant from. */
export type Folders = { readonly project: string; readonly current: string };

/** Settings that have a second name, which counts where the first is not given. */
const OTHER_NAMES: Readonly<Partial<Record<SettingName, SettingName>>> = {
  WORKER_CONCURRENCY: 'ENCODING_WORKERS',
  AWS_REGION: 'AWS_S3_REGION_NAME',
};

const NAMES = Object.keys(SETTINGS) as SettingName[];

/**
 * The environment counts before `.env`, `.env` before the defaults; an empty value is one left out.
 * The environment has other people's variables, `.env` is ours: a name there that nobody reads is a mistake.
 * @throws ConfigError with every problem
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  dotenv?: string,
  folders?: Folders,
): Config {
  const file = parseDotenv(dotenv ?? '');
  const problems = file.malformed.map((line) => `.env line ${line} is not NAME=value`);
  for (const name of Object.keys(file.values)) {
    if (!(name in SETTINGS))
      problems.push(`.env: nothing reads ${name}; the nearest setting is ${findNearest(name, NAMES)}`);
  }
  const values: Record<string, unknown> = {};
  const report: SettingReport[] = [];
  for (const name of NAMES) {
    const setting: Setting = SETTINGS[name];
    const other = OTHER_NAMES[name] ?? name;
    const fromEnv = env[name]?.trim() || env[other]?.trim() || undefined;
    const fromFile = file.values[name]?.trim() || file.values[other]?.trim() || undefined;
    const given = fromEnv ?? fromFile ?? setting.default;
    const origin = fromEnv !== undefined ? 'environment' : fromFile !== undefined ? '.env' : 'default';
    report.push(reportSetting(name, { setting, given, origin }));
    const folder = fromEnv === undefined ? folders?.project : folders?.current;
    const parsed = setting.type.safeParse(given);
    if (parsed.success) values[name] = setting.path && folder ? resolvePaths(parsed.data, folder) : parsed.data;
    else
      problems.push(
        explain(name, {
          found: given ?? '',
          allowed: parsed.error.issues[0]?.message ?? '',
          inFile: fromEnv === undefined,
        }),
      );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  // Every name of SETTINGS was set just above, by its own type.
  const config = values as Config;
  keepReport(config, report);
  return config;
}

function explain(
  name: SettingName,
  { found, allowed, inFile }: { found: string; allowed: string; inFile: boolean },
): string {
  const value = SETTINGS[name].secret ? 'its value' : JSON.stringify(found);
  return `${inFile ? '.env: ' : ''}${name} must be ${allowed}; ${value} is not`;
}

function resolvePaths(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((part) => resolvePaths(part, folder));
  return typeof value === 'string' && !value.includes('://') ? resolve(folder, value) : value;
}
