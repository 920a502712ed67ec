// The log of a channel: the file where it was written here, else the end of it that its machine left in managed storage. Called by the channels API.
import type { Stats } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Channel } from '#domain/channel.ts';
import { channelLogKey, channelLogPath, olderLogPath } from '#domain/channel-log.ts';
import { isNodeError, PlatformError } from '#domain/error.ts';
import type { Platform } from '#workflows/platform.ts';

/** Bytes of the end that are looked through for the asked lines. */
const LONGEST = 2 * 1024 ** 2;
/** Milliseconds that a machine's own copy may be younger than its file. */
const COPY_DELAY = 20_000;

/** @param tail lines from the end; null takes all of the newest file */
export async function readChannelLog(
  platform: Platform,
  { slug, id }: Pick<Channel, 'slug' | 'id'>,
  tail: number | null,
): Promise<string> {
  const { DATA_DIR } = platform.config;
  const path = join(DATA_DIR, channelLogPath(slug));
  const here = (await isOvertaken(platform, id, path)) ? null : await readEnd(path, tail === null ? null : LONGEST);
  const whole = here ?? (await readCopy(platform, id)) ?? '';
  if (tail === null) return whole;
  const lines = linesOf(whole);
  if (lines.length >= tail || here === null) return lines.slice(-tail).join('');
  const older = (await readEnd(join(DATA_DIR, olderLogPath(slug)), LONGEST)) ?? '';
  return [...linesOf(older), ...lines].slice(-tail).join('');
}

/** Changes whenever the log's file on this machine does; null where there is none. What other machines write is told on LIVE_LOG. */
export async function findLogMark({ config }: Platform, { slug }: Pick<Channel, 'slug'>): Promise<string | null> {
  const here = await findFile(join(config.DATA_DIR, channelLogPath(slug)));
  return here && `${here.ino} ${here.size}`;
}

/** The channel has gone on on another machine since. */
async function isOvertaken({ config, storage }: Platform, channelId: number, path: string): Promise<boolean> {
  if (config.STORAGE_URL === undefined) return false;
  const here = await findFile(path);
  // Storage is not asked about a file that is written to right now.
  if (!here || Date.now() - here.mtimeMs < COPY_DELAY) return false;
  // What storage cannot tell now is read here.
  const copy = await storage.stat(channelLogKey(channelId)).catch(() => null);
  return (copy?.modifiedAt?.getTime() ?? 0) > here.mtimeMs + COPY_DELAY;
}

async function findFile(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return null;
    throw error;
  }
}

const linesOf = (content: string): string[] => content.split(/(?<=\n)/);

async function readEnd(path: string, bytes: number | null): Promise<string | null> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const start = bytes === null ? 0 : Math.max(0, size - bytes);
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, start);
    const content = buffer.toString('utf8', 0, bytesRead);
    return start === 0 ? content : content.slice(content.indexOf('\n') + 1);
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function readCopy({ storage }: Platform, channelId: number): Promise<string | null> {
  try {
    return await text(await storage.read(channelLogKey(channelId)));
  } catch (error) {
    if (error instanceof PlatformError) return null;
    throw error;
  }
}
