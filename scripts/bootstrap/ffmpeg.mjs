// Finds FFmpeg or brings it. Its version and abilities are asked by the server itself, at start.
import { join } from 'node:path';
import { read } from './lock.mjs';
import { canInstallPackages, installPackages } from './packages.mjs';
import { ROOT } from './places.mjs';
import { findProgram } from './run.mjs';
import { SetupError } from './setup-error.mjs';

const HOW = 'apt-get install ffmpeg · dnf install ffmpeg-free · brew install ffmpeg · winget install ffmpeg';

export async function ensureFfmpeg() {
  const missing = ['FFMPEG_PATH', 'FFPROBE_PATH'].filter((setting) => !findProgram(programOf(setting)));
  if (missing.length === 0) return;
  const chosen = missing.find((setting) => settingOf(setting));
  if (chosen)
    throw new SetupError(`${chosen} names ${settingOf(chosen)}, which is no program; correct it or leave it out`);
  if (!canInstallPackages())
    throw new SetupError(
      `FFmpeg is missing; install FFmpeg 5.1 or newer (${HOW}), or name it with FFMPEG_PATH and FFPROBE_PATH`,
    );
  await installPackages(['ffmpeg']);
}

const programOf = (setting) => settingOf(setting) ?? (setting === 'FFMPEG_PATH' ? 'ffmpeg' : 'ffprobe');

/** From the environment, else from `.env`; src/config reads both again, with all their rules. */
function settingOf(setting) {
  const line = new RegExp(`^\\s*(?:export\\s+)?${setting}\\s*=\\s*["']?([^"'\\r\\n]+?)["']?\\s*$`, 'm').exec(
    read(join(ROOT, '.env')) ?? '',
  );
  return process.env[setting]?.trim() || line?.[1]?.trim() || undefined;
}
