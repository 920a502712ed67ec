// Whether work is taken from the queue: one state for the whole cluster. Pure.

export const QUEUE_STATES = ['running', 'draining', 'paused'] as const;
/** draining: jobs that have begun go on to their end, no other begins · paused: nothing new is taken, what runs ends its chunk. */
export type QueueState = (typeof QUEUE_STATES)[number];
