// Writes together what is asked for at the same moment: while one group is being written, the next one gathers. Used by submit-job.ts.
import { setTimeout as sleep } from 'node:timers/promises';

export type WriteGroup<Item, Answer> = {
  /** All of them or, where it rejects, none. Resolves with what each is answered. */
  readonly write: (items: readonly Item[]) => Promise<(item: Item) => Answer>;
  /** Items of one group. */
  readonly most: number;
  /** Milliseconds that a group waits after one of several: those who were answered ask again at once, but not in one instant. */
  readonly gatherMs: number;
};

type Waiting<Item, Answer> = {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * The first of a burst is written at once, and alone; of those that come meanwhile, all go together. So a burst costs a few transactions
 * instead of one for each item, and who asks alone waits for nobody.
 */
export class GroupCommit<Item, Answer> {
  readonly #group: WriteGroup<Item, Answer>;
  readonly #waiting: Waiting<Item, Answer>[] = [];
  #isWriting = false;

  constructor(group: WriteGroup<Item, Answer>) {
    this.#group = group;
  }

  /** Resolves when the item is committed. @throws what its own write throws: another item of its group is never the reason */
  add(item: Item): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ item, resolve, reject });
    if (!this.#isWriting) void this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, this.#group.most);
      await this.#write(group);
      if (group.length > 1) await sleep(this.#group.gatherMs);
    }
    this.#isWriting = false;
  }

  /** Never rejects. */
  async #write(waiting: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answerTo = await this.#group.write(waiting.map(({ item }) => item));
      for (const { item, resolve } of waiting) resolve(answerTo(item));
    } catch (error) {
      if (waiting.length === 1) for (const { reject } of waiting) reject(error);
      // One of them may be what cannot be written.
      else await Promise.all(waiting.map((one) => this.#write([one])));
    }
  }
}
