// Calls of the operations API as clients make them: forms, sessions, waiting. Used by the tests of operations.
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { eventually } from '../kit/eventually.ts';

export type FileRecord = {
  readonly file_name: string;
  readonly file_size: number;
  readonly mime_type: string;
  readonly cloudinary_public_id: string | null;
  readonly cloudinary_url: string | null;
  readonly metadata: Readonly<Record<string, string | number>>;
};
export type OperationBody = {
  readonly id: string;
  readonly operation: string;
  readonly status: string;
  readonly progress: number;
  readonly eta_seconds: number | null;
  readonly parameters: object;
  readonly error_message: string | null;
  readonly error_code: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly expires_at: string | null;
  readonly input_file: FileRecord;
  readonly output_file: FileRecord | null;
};
export type Envelope<T> = {
  readonly success: boolean;
  readonly data: T;
  readonly message: string;
  readonly pagination: { page: number; page_size: number; total: number; total_pages: number };
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: { readonly errors: readonly { path: string; message: string }[]; readonly retry_after?: number };
  };
};
export type Answered<T> = { readonly status: number; readonly headers: Headers; readonly body: Envelope<T> };

export type Part = readonly [name: string, value: string | Blob, filename?: string];

/** Parts in the order given: a form's fields may come after its file. */
export function formOf(...parts: readonly Part[]): FormData {
  const form = new FormData();
  for (const [name, value, filename] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, filename);
  }
  return form;
}

export const resizeForm = (file: Buffer, filename = 'photo.png', parameters: object = { width: 20 }): FormData =>
  formOf(
    ['operation', 'image_resize'],
    ['parameters', JSON.stringify(parameters)],
    ['file', new Blob([new Uint8Array(file)]), filename],
  );

/** A small picture of noise: PNG cannot make it much smaller. */
export const makePicture = (width = 64, height = 48): Promise<Buffer> =>
  sharp({
    create: { width, height, channels: 3, background: '#000', noise: { type: 'gaussian', mean: 128, sigma: 40 } },
  })
    .png()
    .toBuffer();

/** A client with a session of its own, kept as browsers keep it. */
export class Client {
  readonly base: string;
  readonly headers: Record<string, string>;
  cookie: string | null = null;

  constructor(base: string, headers: Record<string, string> = {}) {
    this.base = `${base}/api/v1`;
    this.headers = headers;
  }

  async fetch(method: string, path: string, init: { body?: FormData | string; headers?: Record<string, string> } = {}) {
    const headers = { ...this.headers, ...(this.cookie ? { cookie: this.cookie } : {}), ...init.headers };
    const response = await fetch(`${this.base}/${path}`, { method, redirect: 'manual', ...init, headers });
    const given = response.headers.get('set-cookie');
    if (given) this.cookie = given.split(';', 1)[0] ?? null;
    return response;
  }

  async call<T = OperationBody>(
    method: string,
    path: string,
    init: { body?: FormData | string; headers?: Record<string, string> } = {},
  ): Promise<Answered<T>> {
    const response = await this.fetch(method, path, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as Envelope<T> };
  }

  async create(form: FormData): Promise<OperationBody> {
    const { status, body } = await this.call('POST', 'operations/', { body: form });
    assert.equal(status, 201, JSON.stringify(body));
    return body.data;
  }

  async get(id: string): Promise<OperationBody> {
    const { status, body } = await this.call('GET', `operations/${id}/`);
    assert.equal(status, 200, JSON.stringify(body));
    return body.data;
  }

  /** Waits until it is so; four minutes at the most. */
  async until(id: string, status: string): Promise<OperationBody> {
    let found: OperationBody | undefined;
    await eventually(async () => {
      found = await this.get(id);
      assert.equal(found.status, status, found.error_message ?? '');
    });
    assert.ok(found);
    return found;
  }
}

/** Settings of a server whose clients are not limited. */
export const UNLIMITED = {
  RATE_LIMIT_BURST: 'off',
  RATE_LIMIT_SUSTAINED: 'off',
  RATE_LIMIT_UPLOADS: 'off',
  RATE_LIMIT_STATUS: 'off',
} as const;
