// PostgreSQL refuses to run as root: finds the user to run it as, and the command that turns into it. Used by embedded.ts.
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PlatformError } from '#domain/error.ts';

export type User = { readonly name: string; readonly uid: number; readonly gid: number };

/** Runs a command to its end. Given by embedded.ts, which alone may start processes. */
export type Run = (command: readonly string[]) => Promise<{ readonly code: number | null; readonly output: string }>;

const SERVICE_USER = 'rendition';

/** Whether this process is root and must give that up for PostgreSQL. */
export const mustDrop = (): boolean => process.getuid?.() === 0;

/**
 * The user PostgreSQL runs as under root: the owner of a cluster that exists, else `postgres`, else our own `rendition`, made where it is missing, else `nobody`.
 * @throws PlatformError `data_dir_unusable` where there is none.
 */
export async function findUser(owner: number | undefined, run: Run): Promise<User> {
  const known = readUsers();
  const byOwner = owner === undefined || owner === 0 ? undefined : known.find((user) => user.uid === owner);
  const byName = (name: string) => known.find((user) => user.name === name && user.uid !== 0);
  const found = byOwner ?? byName('postgres') ?? byName(SERVICE_USER) ?? (await createUser(run)) ?? byName('nobody');
  if (found) return found;
  throw new PlatformError(
    'data_dir_unusable',
    `PostgreSQL can't run as root and no user "${SERVICE_USER}" could be made; start as a plain user or set DATABASE_URL`,
  );
}

async function createUser(run: Run): Promise<User | undefined> {
  const { code } = await run(['useradd', '--system', '--no-create-home', '--shell', '/usr/sbin/nologin', SERVICE_USER]);
  return code === 0 ? readUsers().find((user) => user.name === SERVICE_USER) : undefined;
}

/** What stands before a program to run it as that user; `needed` are the paths it must reach. */
export function asUser(user: User, needed: readonly string[]): string[] {
  const drop = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  const open = needed.every((path) => canReach(path, user));
  if (open) return [...drop, '--inh-caps=-all', '--ambient-caps=-all', '--'];
  // A checkout or DATA_DIR below /root (mode 700) is shut to every other user: one capability opens the way there, and
  // nothing else is kept. initdb asks access(2), which drops capabilities of its own accord unless no_setuid_fixup is set.
  return [
    ...drop,
    '--securebits=+no_setuid_fixup',
    '--inh-caps=-all,+dac_override',
    '--ambient-caps=-all,+dac_override',
    '--',
  ];
}

/** Whether the user may pass through every folder above `path` and read what lies there. */
export function canReach(path: string, user: User): boolean {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bits = uid === user.uid ? mode >> 6 : gid === user.gid ? mode >> 3 : mode;
    if ((bits & (at === path ? 5 : 1)) !== (at === path ? 5 : 1)) return false;
    if (dirname(at) === at) return true;
  }
}

function readUsers(): User[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [name, , uid, gid] = line.split(':');
      return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : [];
    });
}
