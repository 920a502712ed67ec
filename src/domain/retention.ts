// What is kept how long, where no setting says it. Pure.

/** Days that the list of all events reaches back. */
export const EVENT_DAYS = 30;
/** Days that webhooks of videos and channels are remembered; those of a job go with it. */
export const DELIVERY_DAYS = 30;
/** Seconds between two sweeps of the cluster. */
export const SWEEP_SECONDS = 3600;

/** What bytes in managed storage belong to; other: to nothing the database knows. */
export const STORAGE_KINDS = ['videos', 'jobs', 'encoder', 'operations', 'uploads', 'live', 'other'] as const;
export type StorageKind = (typeof STORAGE_KINDS)[number];
