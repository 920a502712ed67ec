// The one argument of every workflow: what platform.ts opened. A type only; nothing is wired here.

import type { Logger } from 'pino';
import type { SettingReport } from '#config/describe-settings.ts';
import type { Config } from '#config/settings.ts';
import type { Database } from '#database/connect.ts';
import type { Sealer } from '#database/sealed-location.ts';
import type { Keys } from '#domain/sealing.ts';
import type { MediaLimits, MediaTool } from '#media/tool.ts';
import type { Queue } from '#queue/queue.ts';
import type { Cloudinary } from '#storage/cloudinary.ts';
import type { Egress, Guard } from '#storage/egress.ts';
import type { ManagedStore } from '#storage/managed.ts';
import type { LocationOpener } from '#storage/open.ts';
import type { RangeReader } from '#storage/range-reader.ts';
import type { Originals } from '#workflows/originals.ts';

export type Platform = {
  readonly config: Config;
  /** What is configured and where it came from, secrets left out. */
  readonly settings: readonly SettingReport[];
  readonly database: Database;
  /** Seals the secrets of jobs under the first SECRET_KEY. */
  readonly sealer: Sealer;
  /** The same for what is only shown: a secret that no key opens reads as stars there. */
  readonly showing: Sealer;
  /** Keys of 32 bytes derived from SECRET_KEY for one purpose alone: what signs upload tokens signs no playback URLs. */
  readonly keysFor: (purpose: string) => Keys;
  readonly queue: Queue;
  /** Managed storage. */
  readonly storage: ManagedStore;
  /** Originals in managed storage that segments are cut out of on request. */
  readonly originals: Originals;
  /** Where operations deliver their results; null where USE_CLOUDINARY is off. */
  readonly cloudinary: Cloudinary | null;
  /** Opens the places jobs name: sources and destinations. */
  readonly locations: LocationOpener;
  /** The address guard, for what is sent by no store: webhooks, live channels. */
  readonly egress: Egress;
  /** The same for addresses that the operator set, private ones too: the main backend. */
  readonly ownEgress: Guard;
  /** `whsec_…` that sign webhooks; several while one takes another's place. */
  readonly webhookSecrets: readonly string[];
  /** Serves byte ranges of any store to FFmpeg on loopback. */
  readonly ranges: RangeReader;
  readonly tool: MediaTool;
  readonly limits: MediaLimits;
  readonly log: Logger;
  /** This process: `host-pid-random`, or WORKER_ID. */
  readonly workerId: string;
};
