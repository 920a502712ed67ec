// Lets others in while a long list is gone through in the process that answers them. Used by everything that counts packets and cues.
import { setImmediate } from 'node:timers/promises';

/** Steps of some hundred nanoseconds after which it is others' turn: hundredths of a second. */
const STEPS = 50_000;

/** To be awaited where `isTurn` says so: whatever waits is done first. */
export const turn = (): Promise<void> => setImmediate();

/** @param step counted from 0 */
export const isTurn = (step: number): boolean => step % STEPS === STEPS - 1;
