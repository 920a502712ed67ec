// Asks the server for acts on one thing one after the other. Used wherever pages show what will be before the server has answered.

const last = new Map<string, Promise<unknown>>();

/** Who clicks "Cancel" and at once "Try again" means both, in this order: the second is asked for when the first is answered. */
export function inTurn<Answer>(thing: string, ask: () => Promise<Answer>): Promise<Answer> {
  const before = last.get(thing) ?? Promise.resolve();
  const mine = before.then(ask, ask);
  last.set(thing, mine);
  const end = () => {
    if (last.get(thing) === mine) last.delete(thing);
  };
  mine.then(end, end);
  return mine;
}
