// Installs system packages where this is root on Debian or Ubuntu. Used by ffmpeg.mjs and test-servers.mjs.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram, runQuietly, say } from './run.mjs';

export const canInstallPackages = () => process.getuid?.() === 0 && findProgram('apt-get') !== undefined;

const POLICY = '/usr/sbin/policy-rc.d';

/** @throws SetupError with what apt-get said */
export async function installPackages(names) {
  say(`installing ${names.join(', ')} by apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];
  await runQuietly('apt-get', [...options, 'update'], { failure: 'apt-get update failed:', env });
  // Debian starts every server it installs; 101 from this file says no (see invoke-rc.d(8)). A file of the machine's own stays.
  const ours = !existsSync(POLICY);
  try {
    if (ours) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    await runQuietly('apt-get', [...options, 'install', '-y', '--no-install-recommends', ...names], {
      failure: `apt-get install ${names.join(' ')} failed:`,
      env,
    });
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}
