// `rendition keys`: makes, lists and revokes API keys. Called by run.ts.
import { type Call, type Command, UsageError } from '#cli/command.ts';
import { openForCommand } from '#cli/open-for-command.ts';
import { table } from '#cli/table.ts';
import { listApiKeys } from '#database/api-keys.ts';
import { DEFAULT_PROJECT, isScope, SCOPES } from '#domain/access.ts';
import { createKey } from '#workflows/create-key.ts';
import { revokeKey } from '#workflows/revoke-key.ts';

const PROJECT = /^[a-z0-9][a-z0-9-]{0,62}$/;

export const command: Command = {
  name: 'keys',
  usage: 'keys create|list|revoke [ID] [options]',
  about: 'Makes, lists and revokes API keys. A new key is printed once, and nothing else; only its hash is kept.',
  options: {
    name: { type: 'string', value: 'NAME', about: 'what the key is for (create)' },
    scopes: { type: 'string', value: 'LIST', about: `of ${SCOPES.join(', ')}; admin may do everything (create)` },
    project: {
      type: 'string',
      value: 'ID',
      about: 'the project it opens; made where there is none (create; default: default)',
    },
    json: { type: 'boolean', about: 'as JSON (list)' },
  },
  takes: [1, 2],
  examples: [
    ['rendition keys create --name site --scopes read,write', 'a key for a web site'],
    ['rendition keys revoke 0197a3c2-…', 'ends a key; running servers notice within five seconds'],
  ],
  run: async (call) => {
    const [act, id] = call.arguments;
    if (act === 'create' && id === undefined) return create(call);
    if (act === 'list' && id === undefined) return list(call);
    if (act === 'revoke' && id !== undefined) return revoke(id);
    throw new UsageError('keys create --name NAME --scopes LIST, keys list, or keys revoke ID');
  },
};

async function create({ values }: Call): Promise<number> {
  const name = values.get('name');
  const scopes = (values.get('scopes') ?? '').split(',').map((scope) => scope.trim());
  const projectId = values.get('project') ?? DEFAULT_PROJECT;
  if (!name) throw new UsageError('keys create needs --name NAME');
  if (!scopes.every(isScope)) throw new UsageError(`keys create needs --scopes, a list of ${SCOPES.join(', ')}`);
  if (!PROJECT.test(projectId)) throw new UsageError('--project takes small letters, digits and dashes, at most 63');
  await using platform = await openForCommand();
  process.stdout.write(`${await createKey(platform, { name, scopes, projectId })}\n`);
  return 0;
}

async function list({ flags }: Call): Promise<number> {
  await using platform = await openForCommand();
  const keys = await listApiKeys(platform.database.db);
  const day = (time: Date | null) => time?.toISOString().slice(0, 16).replace('T', ' ') ?? '';
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.scopes.join(','),
    key.projectId,
    day(key.createdAt),
    day(key.lastUsedAt) || 'never',
    day(key.revokedAt),
  ]);
  process.stdout.write(
    `${flags.has('json') ? JSON.stringify(keys, null, 2) : table(['id', 'name', 'scopes', 'project', 'created', 'last used', 'revoked'], rows)}\n`,
  );
  return 0;
}

async function revoke(id: string): Promise<number> {
  await using platform = await openForCommand();
  await revokeKey(platform, { id });
  process.stdout.write(`${id} revoked\n`);
  return 0;
}
