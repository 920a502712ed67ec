// All that the dashboard asks of the server: plain HTTP, the key where one is needed, and what the answers look like.

export type JobStatus = 'queued' | 'processing' | 'paused' | 'completed' | 'failed' | 'canceled';
export type Failure = { code: string; message: string; advice: string };
export type StoredFile = { name: string; size: number; mediaType: string; url?: string };
export type Output = {
  id: number;
  index: number;
  status: string;
  progress: number;
  spec: { container: string; [field: string]: unknown };
  result: null | {
    url: string;
    size: number;
    duration: number;
    width: number | null;
    height: number | null;
    files: StoredFile[];
    renditions: {
      name: string;
      width: number;
      height: number;
      codecs: string;
      averageBitrate: number;
      peakBitrate: number;
    }[];
  };
  error: Failure | null;
};
export type Finding = { code: string; severity: 'note' | 'change' | 'warning'; detail: string; action: string };
export type PlanSummary = {
  renditions: {
    name: string;
    codec: string;
    method: string;
    hardware: string | null;
    width: number;
    height: number;
    preset: string;
    maxBitrate: number;
  }[];
  audio: { name: string; codec: string; method: string; bitrate: number; channels: number }[];
  timelines: { duration: number; fps: number | string; frames: number; segments: number; chunks: number }[];
  tasks: number;
  cost: { cpuSeconds: number; outputBytes: number };
};
export type Job = {
  id: number;
  uuid: string;
  name: string | null;
  status: JobStatus;
  progress: number;
  speed: number | null;
  etaSeconds: number | null;
  outputs: Output[];
  findings: Finding[];
  plan: PlanSummary | null;
  error: Failure | null;
  createdAt: string;
  startedAt: string | null;
  completedAt: string | null;
};
export type Health = { status: 'ok' | 'failed'; checks: Record<string, 'ok' | 'failed'> };

export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const KEY = 'rendition-key';
/** Kept for this tab only. */
export const storedKey = (): string => sessionStorage.getItem(KEY) ?? '';
export const storeKey = (key: string): void => sessionStorage.setItem(KEY, key);
export const keyHeaders = (): Record<string, string> =>
  storedKey() === '' ? {} : { Authorization: `Bearer ${storedKey()}` };

export async function request<T>(path: string, options: RequestInit = {}): Promise<T> {
  const response = await fetch(path, { ...options, headers: { ...keyHeaders(), ...options.headers } });
  if (!response.ok) throw new ApiError(response.status, await detailOf(response));
  const type = response.headers.get('content-type') ?? '';
  if (response.status === 204) return undefined as T;
  return (type.includes('json') ? await response.json() : await response.text()) as T;
}

async function detailOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return (JSON.parse(text) as { detail?: string }).detail ?? text;
  } catch {
    // A proxy in between answers in its own words.
    return text.slice(0, 300) || response.statusText;
  }
}

export const listJobs = (search: string): Promise<{ jobs: Job[]; nextCursor: string | null }> =>
  request(`/jobs?limit=50${search === '' ? '' : `&search=${encodeURIComponent(search)}`}`);
export const getJob = (id: string): Promise<Job> => request(`/jobs/${id}`);
export const getHealth = async (): Promise<Health> => (await fetch('/health')).json() as Promise<Health>;
export const act = (id: string, action: string): Promise<Job> => request(`/jobs/${id}/${action}`, { method: 'POST' });
export const remove = (id: string): Promise<void> => request(`/jobs/${id}`, { method: 'DELETE' });

/** Sends a file with what is wanted of it; XMLHttpRequest because fetch tells nothing of how far an upload is. */
export function submit(
  file: File,
  outputs: readonly object[],
  onProgress: (share: number) => void,
): Promise<{ id: number; uuid: string }> {
  const form = new FormData();
  form.append('spec', JSON.stringify({ outputs }));
  form.append('file', file, file.name);
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', '/jobs');
    for (const [name, value] of Object.entries(keyHeaders())) sending.setRequestHeader(name, value);
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    sending.onerror = () => reject(new ApiError(0, 'The connection to the server broke while the file was sent.'));
    sending.onload = () => {
      const answer = parse(sending.responseText);
      if (sending.status === 202) resolve(answer as { id: number; uuid: string });
      else reject(new ApiError(sending.status, (answer as { detail?: string }).detail ?? sending.statusText));
    };
    sending.send(form);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: text.slice(0, 300) };
  }
}
