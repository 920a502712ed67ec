// The log of one channel: every line with its time, secrets as stars, at most ten megabytes with what was put aside. Written by the runner.
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LOG_BYTES } from '#domain/channel-log.ts';
import { blot } from '#domain/channel-target.ts';
import { isNodeError } from '#domain/error.ts';

const FLUSH_MS = 200;
/** Lines at the end that are kept at hand. */
const TAIL_LINES = 300;
/** Lines that may wait for the disk; more are dropped, and their number said. */
const MOST_WAITING = 5000;

export class ChannelLog {
  readonly path: string;
  readonly #secrets = new Set<string>();
  readonly #limit: number;
  #waiting: string[] = [];
  #dropped = 0;
  #end: string[] = [];
  #size: number | null = null;
  #command = '';
  #writing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  /** @param limit bytes of both halves together */
  constructor(path: string, limit: number = LOG_BYTES) {
    this.path = path;
    this.#limit = limit;
  }

  hide(secrets: readonly string[]): void {
    for (const secret of secrets) this.#secrets.add(secret);
  }

  /** A command line: it also begins every further file of this log. */
  command(program: string, args: readonly string[]): void {
    const words = [program, ...args].map((word) => (/^[\w@%+=:,./?&-]+$/.test(word) ? word : `'${word}'`));
    this.#command = words.join(' ');
    this.write('command', this.#command);
  }

  write(who: string, line: string): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#dropped += 1;
      return;
    }
    const text = this.#format(who, line);
    this.#waiting.push(text);
    this.#end = [...this.#end.slice(1 - TAIL_LINES), text];
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** The last lines. */
  tail(): string {
    return this.#end.join('');
  }

  /** Resolves when everything so far is on disk. A full disk loses lines and ends no channel. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing
      .then(() => this.#append())
      .catch(() => {
        // A full disk, or somebody took the file away: what lies there is looked at anew.
        this.#size = null;
      });
    return this.#writing;
  }

  #format(who: string, line: string): string {
    const secrets = [...this.#secrets].sort((a, b) => b.length - a.length);
    return `${new Date().toISOString()} ${who}: ${blot(line, secrets)}\n`;
  }

  async #append(): Promise<void> {
    if (this.#dropped > 0) this.#waiting.push(this.#format('log', `${this.#dropped} lines were left out`));
    this.#dropped = 0;
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (text === '') return;
    this.#size ??= await this.#open();
    const bytes = Buffer.byteLength(text);
    if (this.#size > 0 && this.#size + bytes > this.#limit / 2) {
      await rename(this.path, `${this.path}.1`);
      const head = this.#format('command', this.#command);
      await appendFile(this.path, head, { mode: 0o600 });
      this.#size = Buffer.byteLength(head);
    }
    await appendFile(this.path, text, { mode: 0o600 });
    this.#size += bytes;
  }

  async #open(): Promise<number> {
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    try {
      return (await stat(this.path)).size;
    } catch (error) {
      if (isNodeError(error) && error.code === 'ENOENT') return 0;
      throw error;
    }
  }
}
