// Uploads by tus (resumable): several at once, paused, gone on with after a reload. Uppy is loaded with the first file.
import { useSyncExternalStore } from 'react';
import { keyHeaders } from '../../api/http.ts';

export type Upload = {
  id: string;
  name: string;
  size: number;
  /** 0–100 */
  progress: number;
  state: 'waiting' | 'sending' | 'paused' | 'failed' | 'done';
  /** bytes a second of late; null where nothing is known yet */
  rate: number | null;
  error: string | null;
  /** The video it became. */
  videoId: string | null;
};
/** An upload of an earlier visit: the browser has forgotten the file, the server has not forgotten what it got. */
export type Unfinished = { name: string; size: number; progress: number };

const STORE = 'rendition-unfinished-uploads';
const AT_ONCE = 3;
/** Milliseconds over which the rate is measured. */
const MEASURED_MS = 8000;
let uploads: readonly Upload[] = [];
const listeners = new Set<() => void>();
const warn = (event: BeforeUnloadEvent) => event.preventDefault();
const change = (next: readonly Upload[]) => {
  uploads = next;
  // Whatever page is looked at: the files are sent from here.
  if (next.some(isGoing)) addEventListener('beforeunload', warn);
  else removeEventListener('beforeunload', warn);
  for (const listener of listeners) listener();
};
/** Not all of it is there yet. */
export const isGoing = ({ state }: Upload): boolean => state !== 'done';

const measured = new Map<string, readonly { at: number; bytes: number }[]>();
function measure(id: string, bytes: number): number | null {
  const at = performance.now();
  const known = [...(measured.get(id) ?? []), { at, bytes }].filter((one) => at - one.at < MEASURED_MS);
  measured.set(id, known);
  const [first] = known;
  return first && at - first.at > 1000 ? Math.max(0, ((bytes - first.bytes) / (at - first.at)) * 1000) : null;
}
const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
export const useUploads = (): readonly Upload[] => useSyncExternalStore(subscribe, () => uploads);

export const readUnfinished = (): Unfinished[] => JSON.parse(localStorage.getItem(STORE) ?? '[]') as Unfinished[];
export const forgetUnfinished = (name: string): void =>
  localStorage.setItem(STORE, JSON.stringify(readUnfinished().filter((one) => one.name !== name)));
function noteUnfinished({ name, size, progress }: Unfinished): void {
  const others = readUnfinished().filter((one) => one.name !== name);
  localStorage.setItem(STORE, JSON.stringify([...others, { name, size, progress }].slice(-20)));
}

const set = (id: string, part: Partial<Upload>) =>
  change(uploads.map((one) => (one.id === id ? { ...one, ...part } : one)));

type Sender = {
  add: (file: File) => void;
  pause: (id: string) => void;
  retry: (id: string) => void;
  cancel: (id: string) => void;
};
let sender: Promise<Sender> | undefined;

async function openSender(onVideo: () => void): Promise<Sender> {
  const [{ default: Uppy }, { default: Tus }] = await Promise.all([import('@uppy/core'), import('@uppy/tus')]);
  const uppy = new Uppy({ autoProceed: true, allowMultipleUploadBatches: true }).use(Tus, {
    endpoint: `${location.origin}/upload/tus/`,
    limit: AT_ONCE,
    // Sent with each request: the key may be another by then.
    headers: () => keyHeaders(),
    // Four minutes without a line are got over; after that, and after whatever else, a button goes on.
    retryDelays: [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000, 60_000, 60_000],
    removeFingerprintOnSuccess: true,
    allowedMetaFields: ['filename', 'filetype', 'name'],
  });
  uppy.on('upload-progress', (file, { bytesUploaded, bytesTotal }) => {
    if (!file) return;
    const progress = bytesTotal ? (bytesUploaded / bytesTotal) * 100 : 0;
    const rate = file.isPaused ? null : measure(file.id, bytesUploaded || 0);
    set(file.id, { progress, rate, ...(file.isPaused ? {} : { state: 'sending' }) });
    noteUnfinished({ name: file.name ?? '', size: file.size ?? 0, progress });
  });
  uppy.on('upload-success', (file, { uploadURL }) => {
    if (!file) return;
    forgetUnfinished(file.name ?? '');
    set(file.id, { state: 'done', progress: 100, videoId: uploadURL?.replace(/\/+$/, '').split('/').at(-1) ?? null });
    onVideo();
  });
  uppy.on('upload-error', (file, error) => file && set(file.id, { state: 'failed', error: error.message }));
  return {
    add: (file) => {
      const id = uppy.addFile({ name: file.name, type: file.type, data: file, meta: { filename: file.name } });
      change([
        ...uploads.filter((one) => one.id !== id),
        { id, name: file.name, size: file.size, progress: 0, state: 'waiting', rate: null, error: null, videoId: null },
      ]);
    },
    pause: (id) => {
      const isPaused = uppy.pauseResume(id) ?? false;
      measured.delete(id);
      set(id, { state: isPaused ? 'paused' : 'sending', rate: null });
    },
    retry: (id) => {
      set(id, { state: 'sending', error: null });
      void uppy.retryUpload(id);
    },
    cancel: (id) => {
      const name = uploads.find((one) => one.id === id)?.name;
      if (name !== undefined) forgetUnfinished(name);
      if (uppy.getFile(id)) uppy.removeFile(id);
      change(uploads.filter((one) => one.id !== id));
    },
  };
}

/** @param onVideo an upload has become a video @throws Error of Uppy for what it does not take (the same file twice) */
export async function sendFiles(files: readonly File[], onVideo: () => void): Promise<void> {
  sender ??= openSender(onVideo);
  const { add } = await sender;
  for (const file of files) add(file);
}
export const pauseUpload = async (id: string): Promise<void> => (await sender)?.pause(id);
export const retryUpload = async (id: string): Promise<void> => (await sender)?.retry(id);
export const cancelUpload = async (id: string): Promise<void> => (await sender)?.cancel(id);
