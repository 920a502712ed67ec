// The rows of API keys: only their hashes are kept. Made and revoked by the CLI's workflows, looked up by the API.
import type { Kysely, Selectable } from 'kysely';
import { plainText } from '#database/columns.ts';
import type { ApiKeyTable, Schema } from '#database/schema.ts';

export type ApiKey = {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
};

export type NewApiKey = Pick<ApiKey, 'id' | 'projectId' | 'name' | 'scopes'> & {
  /** SHA-256 of the key, hex. */
  readonly hash: string;
};

/** Inserts a key; its project is made where there is none of that name. */
export async function insertApiKey(db: Kysely<Schema>, key: NewApiKey): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await transaction
      .insertInto('project')
      .values({ id: key.projectId, name: key.projectId })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
    await transaction
      .insertInto('api_key')
      .values({
        id: key.id,
        project_id: key.projectId,
        name: plainText(key.name),
        hash: key.hash,
        scopes: [...key.scopes],
      })
      .execute();
  });
}

/** The key of that hash, unless it was revoked. */
export async function findApiKey(db: Kysely<Schema>, hash: string): Promise<ApiKey | null> {
  const row = await db
    .selectFrom('api_key')
    .selectAll()
    .where('hash', '=', hash)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row ? toApiKey(row) : null;
}

/** All keys, revoked ones too, oldest first; of one project, or (for the CLI) of all. */
export async function listApiKeys(db: Kysely<Schema>, projectId?: string): Promise<ApiKey[]> {
  const rows = await db
    .selectFrom('api_key')
    .selectAll()
    .$if(projectId !== undefined, (query) => query.where('project_id', '=', projectId ?? ''))
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toApiKey);
}

/** Keys that open anything. */
export async function countApiKeys(db: Kysely<Schema>): Promise<number> {
  const { count } = await db
    .selectFrom('api_key')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('revoked_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** False where there is no such key (of that project, where one is named), or it was revoked before. */
export async function revokeApiKey(db: Kysely<Schema>, id: string, projectId?: string): Promise<boolean> {
  const result = await db
    .updateTable('api_key')
    .set({ revoked_at: new Date() })
    .where('id', '=', id)
    .$if(projectId !== undefined, (query) => query.where('project_id', '=', projectId ?? ''))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function touchApiKey(db: Kysely<Schema>, id: string): Promise<void> {
  await db.updateTable('api_key').set({ last_used_at: new Date() }).where('id', '=', id).execute();
}

const toApiKey = (row: Selectable<ApiKeyTable>): ApiKey => ({
  id: row.id,
  projectId: row.project_id,
  name: row.name,
  scopes: row.scopes,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
});
