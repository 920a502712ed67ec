// Collects what is said about a job and writes it to its log now and then. Used by run-job.ts and run-task.ts.
import { appendJobLog, type LogLine, trimJobLog } from '#database/job-log.ts';
import type { JobRef } from '#database/jobs.ts';
import type { Platform } from '#workflows/platform.ts';

const FLUSH_MS = 500;
/** Lines kept in memory until the next write; a flood loses its middle, not its end. */
const MOST_LINES = 1000;
/** Writes between two trims of the log. */
const TRIM_EVERY = 50;

export class JobLogger {
  readonly #platform: Platform;
  readonly #ref: JobRef;
  readonly #task: string;
  readonly #timer: NodeJS.Timeout;
  #lines: LogLine[] = [];
  #dropped = 0;
  #writes = 0;
  #writing: Promise<void> = Promise.resolve();

  /** @param task who speaks: `chunk 3` */
  constructor(platform: Platform, ref: JobRef, task: string) {
    this.#platform = platform;
    this.#ref = ref;
    this.#task = task;
    this.#timer = setInterval(() => this.#flush(), FLUSH_MS);
  }

  readonly log = (line: string): void => {
    if (this.#lines.length >= MOST_LINES) {
      this.#lines.splice(MOST_LINES / 2, 1);
      this.#dropped += 1;
    }
    this.#lines.push({ at: new Date(), task: this.#task, line });
  };

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#flush();
    await this.#writing;
    if (this.#writes > 0) await this.#safely(() => trimJobLog(this.#platform.database.db, this.#ref));
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    if (this.#dropped > 0)
      lines.push({ at: new Date(), task: this.#task, line: `(${this.#dropped} lines were dropped)` });
    this.#lines = [];
    this.#dropped = 0;
    this.#writes += 1;
    const trim = this.#writes % TRIM_EVERY === 0;
    this.#writing = this.#writing.then(() =>
      this.#safely(async () => {
        const { db } = this.#platform.database;
        await appendJobLog(db, this.#ref, lines);
        if (trim) await trimJobLog(db, this.#ref);
      }),
    );
  }

  /** A log that cannot be written must not fail the work it tells of. */
  async #safely(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#platform.log.warn({ err: error, jobId: this.#ref.jobId }, 'the log of a job could not be written');
    }
  }
}
