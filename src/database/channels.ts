// The rows of live channels and their profiles. Written by the channel workflows, read by the API and the supervisor.
import { type Kysely, type Selectable, sql } from 'kysely';
import type { ChannelProfileTable, ChannelTable } from '#database/channel-tables.ts';
import { json, plainText } from '#database/columns.ts';
import type { Schema } from '#database/schema.ts';
import { CLOSED, openUrl, type Sealer, sealUrl } from '#database/sealed-location.ts';
import type { AbrProfile, Channel, ChannelInput, ChannelSpec, NewAbrProfile } from '#domain/channel.ts';

export type ChannelRef = { readonly projectId: string; readonly channelId: number };

/** Serialises what must look at all channels before it changes one: names, loops, slugs. To the transaction's end. */
export async function lockChannels(db: Kysely<Schema>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('rendition channels'))`.execute(db);
}

export async function insertChannel(
  db: Kysely<Schema>,
  channel: Pick<Channel, 'projectId' | 'name' | 'slug' | 'spec'>,
  sealer: Sealer,
): Promise<number> {
  const { projectId, name, slug, spec } = channel;
  const row = await db
    .insertInto('channel')
    .values({ project_id: projectId, name: plainText(name), slug, spec: json(sealChannel(spec, sealer)) })
    .returning('id')
    .executeTakeFirstOrThrow();
  return row.id;
}

/** Answers false where there is none such. */
export async function updateChannel(
  db: Kysely<Schema>,
  channel: Pick<Channel, 'id' | 'projectId' | 'name' | 'slug' | 'spec'>,
  sealer: Sealer,
): Promise<boolean> {
  const { id, projectId, name, slug, spec } = channel;
  const result = await db
    .updateTable('channel')
    .set((eb) => ({
      name: plainText(name),
      slug,
      spec: json(sealChannel(spec, sealer)),
      revision: eb('revision', '+', 1),
      updated_at: new Date(),
    }))
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function deleteChannel(db: Kysely<Schema>, { projectId, channelId }: ChannelRef): Promise<boolean> {
  const result = await db
    .deleteFrom('channel')
    .where('project_id', '=', projectId)
    .where('id', '=', channelId)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** Puts these in the place of the channel's profiles; one that names an id of the channel keeps it. */
export async function replaceProfiles(
  db: Kysely<Schema>,
  { projectId, channelId, profiles }: ChannelRef & { readonly profiles: readonly NewAbrProfile[] },
  sealer: Sealer,
): Promise<void> {
  const gone = await db
    .deleteFrom('channel_profile')
    .where('project_id', '=', projectId)
    .where('channel_id', '=', channelId)
    .returning('id')
    .execute();
  const known = new Set(gone.map(({ id }) => id));
  for (const [position, { id, ...spec }] of profiles.entries()) {
    const sealed = { ...spec, outputUrl: sealAddress(spec.outputUrl, sealer) };
    await db
      .insertInto('channel_profile')
      .values({
        ...(id !== undefined && known.delete(id) ? { id } : {}),
        project_id: projectId,
        channel_id: channelId,
        position,
        spec: json(sealed),
      })
      .execute();
  }
}

export type ChannelFilter = {
  /** null asks for all projects: for those who look after the whole installation. */
  readonly projectId: string | null;
  readonly id?: number;
  readonly name?: string;
  readonly slug?: string;
  readonly limit?: number;
  readonly offset?: number;
};

/** Channels with their profiles, by id. */
export async function listChannels(db: Kysely<Schema>, filter: ChannelFilter, sealer: Sealer): Promise<Channel[]> {
  const { projectId, id, name, slug, limit, offset } = filter;
  let query = db.selectFrom('channel').selectAll().orderBy('id');
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  if (id !== undefined) query = query.where('id', '=', id);
  if (name !== undefined) query = query.where('name', '=', name);
  if (slug !== undefined) query = query.where('slug', '=', slug);
  if (limit !== undefined) query = query.limit(limit).offset(offset ?? 0);
  const rows = await query.execute();
  if (rows.length === 0) return [];
  const profiles = await db
    .selectFrom('channel_profile')
    .selectAll()
    .where(
      'channel_id',
      'in',
      rows.map((row) => row.id),
    )
    .orderBy('channel_id')
    .orderBy('position')
    .execute();
  return rows.map((row) =>
    toChannel(
      row,
      profiles.filter(({ channel_id }) => channel_id === row.id),
      sealer,
    ),
  );
}

export async function findChannel(
  db: Kysely<Schema>,
  { projectId, channelId }: { readonly projectId: string | null; readonly channelId: number },
  sealer: Sealer,
): Promise<Channel | null> {
  const [channel] = await listChannels(db, { projectId, id: channelId }, sealer);
  return channel ?? null;
}

/** What /live/ needs of a channel, by its number or slug. Of any project: knowing the address is not a right, the caller checks that. */
export async function findLiveChannel(
  db: Kysely<Schema>,
  place: string,
): Promise<{ readonly id: number; readonly projectId: string; readonly name: string; readonly slug: string } | null> {
  const isNumber = /^[1-9]\d{0,14}$/.test(place);
  const row = await db
    .selectFrom('channel')
    .select(['id', 'project_id', 'name', 'slug'])
    .where((either) => (isNumber ? either('id', '=', Number(place)) : either('slug', '=', place)))
    .executeTakeFirst();
  return row ? { id: row.id, projectId: row.project_id, name: row.name, slug: row.slug } : null;
}

export async function countChannels(db: Kysely<Schema>, projectId: string): Promise<number> {
  const row = await db
    .selectFrom('channel')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

function toChannel(
  row: Selectable<ChannelTable>,
  profiles: readonly Selectable<ChannelProfileTable>[],
  sealer: Sealer,
): Channel {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    slug: row.slug,
    revision: row.revision,
    spec: openChannel(row.spec, sealer),
    abr: profiles.map(({ id, spec }): AbrProfile => ({ ...spec, id, outputUrl: openAddress(spec.outputUrl, sealer) })),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** Stream keys are secrets, and they stand in paths: addresses of RTMP are sealed whatever they look like. */
const sealAddress = (url: string | null, sealer: Sealer): string | null => {
  if (url === null) return null;
  return /^rtmps?:/i.test(url) ? sealUrl(`${url}${url.includes('?') ? '' : '?'}`, sealer) : sealUrl(url, sealer);
};
const openAddress = (stored: string | null, sealer: Sealer): string | null =>
  stored === null ? null : openUrl(stored, sealer).replace(/^(rtmps?:.*)\?$/i, '$1');

const sealInput = (input: ChannelInput, sealer: Sealer): ChannelInput => ({
  ...input,
  inputUrl: sealAddress(input.inputUrl, sealer),
});
const openInput = (input: ChannelInput, sealer: Sealer): ChannelInput => ({
  ...input,
  inputUrl: openAddress(input.inputUrl, sealer),
});

const sealChannel = (spec: ChannelSpec, sealer: Sealer): ChannelSpec => ({
  ...spec,
  inputUrl: sealAddress(spec.inputUrl, sealer),
  outputUrl: sealAddress(spec.outputUrl, sealer),
  notificationUrl: spec.notificationUrl && sealUrl(spec.notificationUrl, sealer),
  fallbackInput: spec.fallbackInput && sealInput(spec.fallbackInput, sealer),
});

/** Whether a secret of its addresses is sealed under a key that is not known: it is not run, and waits for that key. */
export const isClosed = ({ spec, abr }: Channel): boolean =>
  [spec, ...(spec.fallbackInput ? [spec.fallbackInput] : [])].some(({ inputUrl }) => inputUrl === CLOSED) ||
  [spec, ...abr].some(({ outputUrl }) => outputUrl === CLOSED);

/** Nobody is told where no key opens it. */
const openNotificationUrl = (stored: string, sealer: Sealer): string | null => {
  const url = openUrl(stored, sealer);
  return url === CLOSED ? null : url;
};

const openChannel = (spec: ChannelSpec, sealer: Sealer): ChannelSpec => ({
  ...spec,
  inputUrl: openAddress(spec.inputUrl, sealer),
  outputUrl: openAddress(spec.outputUrl, sealer),
  notificationUrl: spec.notificationUrl && openNotificationUrl(spec.notificationUrl, sealer),
  fallbackInput: spec.fallbackInput && openInput(spec.fallbackInput, sealer),
});
