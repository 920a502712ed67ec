// Two starts of one checkout at once take turns. Used by the steps that write into it.
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_FOLDER, ROOT } from './places.mjs';
import { say } from './run.mjs';
import { SetupError } from './setup-error.mjs';

const LOCK = join(NODE_FOLDER, 'lock');
const PATIENCE_MINUTES = 30;

/** Runs `act` while no other process of this checkout does the same; a lock whose process is dead counts for nothing. */
export async function withLock(act) {
  const ticket = `${LOCK}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(NODE_FOLDER, { recursive: true });
    // Written aside and linked into place, so that nobody ever reads a lock without its holder.
    writeFileSync(ticket, String(process.pid));
  } catch (error) {
    throw new SetupError(`${ROOT} is not writable (${error.message}); its owner must start it once`);
  }
  try {
    await place(ticket);
    return await act();
  } finally {
    if (read(LOCK) === String(process.pid)) rmSync(LOCK, { force: true });
    rmSync(ticket, { force: true });
  }
}

async function place(ticket) {
  const deadline = Date.now() + PATIENCE_MINUTES * 60_000;
  for (let waited = false; ; waited = true) {
    try {
      linkSync(ticket, LOCK);
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = read(LOCK);
    if (holder !== undefined && !isAlive(Number(holder))) removeStale(holder);
    else if (!waited) say(`waiting for process ${holder ?? ''}, which prepares this folder`);
    if (Date.now() > deadline)
      throw new SetupError(
        `process ${holder} has prepared this folder for ${PATIENCE_MINUTES} minutes; stop it and start again`,
      );
    await sleep(100);
  }
}

function removeStale(holder) {
  const aside = `${LOCK}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(LOCK, aside);
    // Between reading and renaming another process may have taken it over: then it gets its own back.
    if (read(aside) !== holder) linkSync(aside, LOCK);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  // What it had written aside lies there still.
  for (const name of readdirSync(NODE_FOLDER)) {
    const path = join(NODE_FOLDER, name);
    if (path.startsWith(`${LOCK}.`) && read(path) === holder) rmSync(path, { force: true });
  }
}

export function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
