// Checks a channel before it is stored: fields that fit, addresses that may be reached, no way back into itself. Called by save-channel.ts.
import { networkInterfaces } from 'node:os';
import { Cron } from 'croner';
import type { Kysely } from 'kysely';
import { listChannels } from '#database/channels.ts';
import type { Schema } from '#database/schema.ts';
import { findUpload } from '#database/uploads.ts';
import { type ChannelSpec, type NewAbrProfile, uploadNamed } from '#domain/channel.ts';
import { findLoop, inputsOf, type LoopChannel, type LoopFacts, outputsOf } from '#domain/channel-loop.ts';
import { checkChannel, INPUT_SCHEMES, isListening, OUTPUT_SCHEMES } from '#domain/channel-rules.ts';
import { bareHost, isAnyHost, isMulticast, parseLiveUrl } from '#domain/channel-target.ts';
import { type FieldError, PlatformError } from '#domain/error.ts';
import type { Guard } from '#storage/egress.ts';
import type { Platform } from '#workflows/platform.ts';

/** @throws PlatformError `invalid_request` naming each wrong field */
export function checkSpec(platform: Platform, spec: ChannelSpec, abr: readonly NewAbrProfile[]): void {
  refuse([...checkChannel(spec, abr), ...checkAddresses(platform, spec, abr), ...checkTimes(spec)]);
}

export function refuse(errors: readonly FieldError[]): void {
  const [first, ...rest] = errors;
  if (!first) return;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : '';
  throw new PlatformError('invalid_request', `${first.path}: ${first.message}${more}`, { errors });
}

type UploadUse = { readonly projectId: string; readonly spec: ChannelSpec; readonly before: ChannelSpec | null };

/** Uploads that a channel is to show are its project's. One that it showed before may have ended meanwhile. @throws PlatformError `invalid_request` */
export async function requireOwnUploads(db: Kysely<Schema>, { projectId, spec, before }: UploadUse): Promise<void> {
  const known = before === null ? [] : inputsOf({ spec: before }).map(({ inputFile }) => inputFile);
  for (const [i, { inputType, inputFile }] of inputsOf({ spec }).entries()) {
    const id = inputType === 'file' ? uploadNamed(inputFile) : null;
    if (id === null || known.includes(inputFile) || (await findUpload(db, { projectId, id }))) continue;
    const path = `${i === 0 ? '' : 'fallback_input.'}input_file`;
    refuse([{ path, message: `the id of something that was uploaded: there is no upload ${id}` }]);
  }
}

/** Literal addresses are judged at once; names when they are dialled. */
function checkAddresses({ egress }: Platform, spec: ChannelSpec, abr: readonly NewAbrProfile[]): FieldError[] {
  const source = egress.as('source');
  const inputs = inputsOf({ spec }).flatMap((input, i) => {
    const { inputType, inputUrl } = input;
    if (inputUrl === null || isListening(input) || ['udp', 'rtp', 'file', 'test'].includes(inputType)) return [];
    return judge(source, inputUrl, INPUT_SCHEMES[inputType] ?? []).map((message) => ({
      path: `${i === 0 ? '' : 'fallback_input.'}input_url`,
      message,
    }));
  });
  const profiles = abr.map((profile) => ({ ...profile, id: 0 }));
  const outputs = outputsOf({ spec, abr: profiles }).flatMap(({ outputType, outputUrl }, i) => {
    if (outputUrl === null || outputType === 'hls' || outputType === 'file') return [];
    const at = spec.isAbr && profiles.length > 0 ? `abr.${i}.` : '';
    return judge(egress, outputUrl, OUTPUT_SCHEMES[outputType] ?? []).map((message) => ({
      path: `${at}output_url`,
      message,
    }));
  });
  const told = spec.notificationUrl === null ? [] : judge(egress, spec.notificationUrl, ['http:', 'https:']);
  return [...inputs, ...outputs, ...told.map((message) => ({ path: 'notification_url', message }))];
}

function judge(guard: Guard, url: string, schemes: readonly string[]): string[] {
  try {
    const parsed = parseLiveUrl(url);
    const host = bareHost(parsed);
    // A group is sent to on purpose; who waits for callers names an address of his own.
    if (parsed.protocol === 'udp:' && isMulticast(host)) return [];
    if (parsed.protocol === 'srt:' && parsed.searchParams.get('mode') === 'listener' && isAnyHost(host)) return [];
    guard.checkUrl(parsed, schemes);
    return [];
  } catch (error) {
    if (error instanceof PlatformError) return [error.message];
    throw error;
  }
}

/** A pattern that names a year which is over was right once. */
const LONG_AGO = new Date(0);

function checkTimes({ startCron, stopCron, timezone }: ChannelSpec): FieldError[] {
  const patterns: readonly { readonly path: string; readonly pattern: string | null }[] = [
    { path: 'start_cron', pattern: startCron },
    { path: 'stop_cron', pattern: stopCron },
  ];
  return patterns.flatMap(({ path, pattern }) => {
    if (!pattern) return [];
    try {
      const cron = new Cron(pattern, { paused: true, timezone: timezone ?? 'UTC' });
      return cron.nextRun(LONG_AGO) === null
        ? [{ path, message: 'a cron pattern of a time that comes: this one never does' }]
        : [];
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return [{ path, message: `a cron pattern such as "0 8 * * 1-5" (${why})` }];
    }
  });
}

/** @throws PlatformError `invalid_request` where what it sends comes back to it; all channels of the installation count */
export async function refuseLoop(platform: Platform, db: Kysely<Schema>, channel: LoopChannel): Promise<void> {
  const all = await listChannels(db, { projectId: null }, platform.showing);
  const way = findLoop(channel, all, loopFacts(platform));
  if (!way) return;
  const path = channel.spec.inputUrl === null ? 'input_multicast_ip' : 'input_url';
  const names = way.length > 2 ? ` by way of ${way.slice(1, -1).join(', ')}` : '';
  const message = `the output of this channel comes back to its own input${names}; choose another address`;
  throw new PlatformError('invalid_request', `${path}: ${message}`, { errors: [{ path, message }] });
}

function loopFacts({ config }: Platform): LoopFacts {
  const own = config.PUBLIC_URL === undefined ? null : URL.parse(config.PUBLIC_URL);
  const port = own?.port || (own?.protocol === 'https:' ? '443' : '80');
  return {
    localAddresses: new Set(
      Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)),
    ),
    ownOrigins: new Set(own ? [`${own.hostname}:${port}`] : []),
  };
}
