// What is configured and where it came from, without secrets. Used by load.ts, which knows, and platform.ts, which hands it on.
import type { Config, Setting } from '#config/settings.ts';

/** Where a setting's value came from. */
export type SettingOrigin = 'environment' | '.env' | 'default';

export type SettingReport = {
  readonly name: string;
  readonly group: string;
  readonly about: string;
  /** As written; null where it is not set, and of every secret. */
  readonly value: string | null;
  readonly isSecret: boolean;
  readonly isSet: boolean;
  readonly origin: SettingOrigin;
};

/** Kept beside the configuration, whose own keys are settings alone. */
const reports = new WeakMap<Config, readonly SettingReport[]>();

export type Given = { readonly setting: Setting; readonly given: string | undefined; readonly origin: SettingOrigin };

export const reportSetting = (name: string, { setting, given, origin }: Given): SettingReport => ({
  name,
  group: setting.group,
  about: setting.about,
  value: setting.secret ? null : (given ?? null),
  isSecret: setting.secret,
  isSet: given !== undefined && given !== '',
  origin,
});

export const keepReport = (config: Config, report: readonly SettingReport[]): void => void reports.set(config, report);

/** In the order of the manual; empty for a configuration that load.ts did not make. */
export const describeSettings = (config: Config): readonly SettingReport[] => reports.get(config) ?? [];
