// What becomes of one try of a piece of work. Pure.

/** returned: given back, because its worker stopped or its job was paused. lost: its worker fell silent. */
export const ATTEMPT_OUTCOMES = ['running', 'done', 'failed', 'returned', 'lost', 'canceled'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];
