// All that is asked of the server: plain HTTP with the key where one is needed, and failures as what to do about them.
import type { Answer, Api } from '../../../client/types.ts';
import { t } from '../text/text.ts';

const KEY = 'rendition-key';
let key = sessionStorage.getItem(KEY) ?? '';

/** The key of this tab: forgotten when the tab is closed. */
export const hasKey = (): boolean => key !== '';
export function keepKey(next: string): void {
  key = next;
  if (next === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, next);
}
export const keyHeaders = (): Record<string, string> => (key === '' ? {} : { Authorization: `Bearer ${key}` });

export type FieldError = { path: string; message: string };

/** A failure in the server's own words, and what to do about it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly advice: string;
  readonly fields: readonly FieldError[];
  /** Seconds after which it may be asked for again; null where nothing is said of it. */
  readonly retryAfter: number | null;
  constructor(status: number, told: Words) {
    super(told.message);
    this.name = 'ApiError';
    this.status = status;
    this.code = told.code ?? '';
    this.advice = told.advice ?? '';
    this.fields = told.fields ?? [];
    this.retryAfter = told.retryAfter ?? null;
  }
}

type Words = {
  message: string;
  code?: string;
  advice?: string;
  fields?: readonly FieldError[];
  retryAfter?: number;
};

type Asked = { readonly data: unknown; readonly error: unknown };

/**
 * The failure that is to be shown instead of an answer; null where an earlier answer is there and the server is only away: then that stays,
 * with what was typed and what plays in it, and the line at the page's edge says the rest.
 */
export function blocking({ data, error }: Asked): unknown {
  const isAway = error instanceof ApiError && (error.status === 0 || error.status >= 500);
  return data !== undefined && isAway ? null : error;
}

/** Told when the server wants a key, or another one. */
let onLocked: () => void = () => undefined;
export const whenLocked = (listener: () => void): void => {
  onLocked = listener;
};
/** Said by what asks in another way than `request`. */
export const tellLocked = (): void => onLocked();

export type Sent = Omit<RequestInit, 'body'> & { json?: unknown; body?: BodyInit };

export async function request<T>(path: string, { json, ...options }: Sent = {}): Promise<T> {
  const response = await ask(path, {
    ...options,
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    headers: {
      ...keyHeaders(),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
  });
  if (!response.ok) {
    if (response.status === 401) onLocked();
    throw readProblem(response.status, await response.text(), response.statusText);
  }
  if (response.status === 204) return undefined as T;
  const type = response.headers.get('content-type') ?? '';
  return (type.includes('json') ? await response.json() : await response.text()) as T;
}

async function ask(path: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, { message: t('error.away'), code: 'unreachable' });
  }
}

type Told = {
  detail?: string;
  code?: string;
  advice?: string;
  errors?: readonly FieldError[];
  error?: { code?: string; message?: string; details?: Details };
};
type Details = { errors?: readonly FieldError[]; advice?: string; retry_after?: number };

/** Problem documents, the envelope of the conversions, and whatever a proxy in between says in its own words. */
export function readProblem(status: number, text: string, fallback: string): ApiError {
  try {
    const told = JSON.parse(text) as Told;
    const { error, detail } = told;
    const { retry_after: retryAfter, ...more } = error?.details ?? {};
    const { advice, errors } = error ? more : told;
    const code = error?.code ?? told.code;
    return new ApiError(status, {
      message: error?.message ?? detail ?? (fallback || `HTTP ${status}`),
      ...(code === undefined ? {} : { code }),
      ...(advice === undefined ? {} : { advice }),
      ...(errors === undefined ? {} : { fields: errors }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
  } catch {
    return new ApiError(status, {
      message:
        text
          .replace(/<[^>]*>/g, ' ')
          .slice(0, 200)
          .trim() || fallback,
    });
  }
}

type Reading = Extract<keyof Api, `GET ${string}`>;
/** A typed reading: `read('GET /jobs/{id}', { id }, { limit: 50 })`. */
export function read<C extends Reading>(
  call: C,
  params: Readonly<Record<string, string | number>> = {},
  query: Readonly<Record<string, string | number | undefined>> = {},
): Promise<Answer<C>> {
  const path = call.slice(4).replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name] ?? '')));
  return request<Answer<C>>(path + search(query));
}

export function search(query: Readonly<Record<string, string | number | undefined>>): string {
  const fields = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return fields.length === 0 ? '' : `?${new URLSearchParams(fields.map(([name, value]) => [name, String(value)]))}`;
}

/** A file behind a key, as an address that `<img>`, `<audio>` and downloads take; without a key it is the path itself. */
export async function openFile(path: string): Promise<string> {
  if (key === '') return path;
  const response = await ask(path, { headers: keyHeaders() });
  if (!response.ok) throw readProblem(response.status, await response.text(), response.statusText);
  return URL.createObjectURL(await response.blob());
}
