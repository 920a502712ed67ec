// File conversions of this session: what there is, sending a file with its progress, following, cancel, retry, delete.
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query';
import { t, tell } from '../text/text.ts';
import { toast, toastError } from '../ui/toasts.tsx';
import { ApiError, keyHeaders, openFile, read, readProblem, request } from './http.ts';
import { inTurn } from './in-turn.ts';
import { leave, useIsStaying } from './leaving.ts';
import type { Enveloped, Operation, OperationPage, OperationState, OperationStatus } from './types.ts';

const PREFIX = '/api/v1';
/** Not `operations`: those are asked again at each event of any job, and here calls are counted. */
const LIST = 'conversions';
export const PAGE_SIZE = 20;

export const isMoving = ({ status }: Pick<Operation, 'status'>): boolean =>
  status === 'pending' || status === 'queued' || status === 'processing';

export const useDefinitions = () =>
  useQuery({
    queryKey: ['operation-definitions'],
    queryFn: () => read('GET /api/v1/operation-definitions').then(({ data }) => data),
    staleTime: Number.POSITIVE_INFINITY,
  });

export function useOperations(page: number) {
  const isStaying = useIsStaying();
  const { data, ...rest } = useQuery({
    queryKey: [LIST, page],
    queryFn: () => read('GET /api/v1/operations', {}, { page, page_size: PAGE_SIZE }),
    placeholderData: (before) => before,
    staleTime: 30_000,
  });
  return { ...rest, data: data && { ...data, data: data.data.filter(({ id }) => isStaying(id)) } };
}

export const operationPath = (id: string): string => `${PREFIX}/operations/${id}`;
export const resultPath = (id: string): string => `${operationPath(id)}/download/`;

export async function readResult(id: string): Promise<ArrayBuffer> {
  const response = await fetch(resultPath(id), { headers: keyHeaders() });
  if (!response.ok) throw readProblem(response.status, await response.text(), response.statusText);
  return response.arrayBuffer();
}

const patchList = (client: QueryClient, change: (operations: Operation[]) => Operation[]): void => {
  client.setQueriesData<OperationPage>({ queryKey: [LIST] }, (known) =>
    known ? { ...known, data: change(known.data) } : known,
  );
};

/** What a stream told, into the list; the whole of it is read where it came to an end. */
export function patchOperation(client: QueryClient, state: OperationState): void {
  patchList(client, (all) => all.map((one) => (one.id === state.id ? { ...one, ...state } : one)));
  if (!isMoving(state)) void readOperation(client, state.id);
}

async function readOperation(client: QueryClient, id: string): Promise<void> {
  const { data } = await read('GET /api/v1/operations/{id}', { id });
  patchList(client, (all) => all.map((one) => (one.id === id ? data : one)));
}

/** Asked for where no stream is free: a browser opens six connections to a server and no more. */
export const readState = (id: string): Promise<OperationState> =>
  read('GET /api/v1/operations/{id}/status', { id }).then(({ data }) => data);

const MOST_OF_A_PAGE = 100;
/** Every one of this session, on all pages. */
export async function collectOperations(): Promise<Operation[]> {
  const found = new Map<string, Operation>();
  for (let page = 1, isMore = true; isMore; page++) {
    const { data, pagination } = await read('GET /api/v1/operations', {}, { page, page_size: MOST_OF_A_PAGE });
    for (const operation of data) found.set(operation.id, operation);
    isMore = page < pagination.total_pages;
  }
  return [...found.values()];
}

export const refreshOperations = (client: QueryClient): Promise<void> => client.invalidateQueries({ queryKey: [LIST] });

export const isRetryable = ({ status }: Pick<Operation, 'status'>): boolean =>
  status === 'failed' || status === 'cancelled';
/** Its own name, or that of what it does. */
export const nameOf = ({ input_file: input, operation }: Operation): string =>
  input?.file_name ?? tell('operation', operation);

/** The result, as a download of the browser. @throws ApiError */
export async function saveResult({ id, output_file: output }: Operation): Promise<void> {
  const link = document.createElement('a');
  link.href = await openFile(resultPath(id));
  link.download = output?.file_name ?? '';
  link.click();
  if (link.href.startsWith('blob:')) setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

type Act = 'cancel' | 'retry';
export const askOperation = ({ id }: Operation, name: Act): Promise<Operation> =>
  request<Enveloped<Operation>>(`${operationPath(id)}/${name}/`, { method: 'POST' }).then(({ data }) => data);
export const deleteOperation = ({ id }: Operation) =>
  request(`${operationPath(id)}/`, { method: 'DELETE', keepalive: true });

const BECOMES: Readonly<Record<Act, OperationStatus>> = { cancel: 'cancelled', retry: 'queued' };

/** Shows at once what will be; where the server says no, it is as before and says why. */
export function useOperationActs() {
  const client = useQueryClient();
  const act = async (operation: Operation, name: Act) => {
    const put = (next: Operation) =>
      patchList(client, (all) => all.map((one) => (one.id === operation.id ? next : one)));
    put({ ...operation, status: BECOMES[name], progress: name === 'retry' ? 0 : operation.progress });
    try {
      put(await inTurn(operation.id, () => askOperation(operation, name)));
      toast(t(`convert.did.${name}`, { name: nameOf(operation) }));
    } catch (error) {
      put(operation);
      toastError(error);
    }
  };
  const remove = (operation: Operation) =>
    leave({
      id: operation.id,
      text: t('convert.deleted', { name: nameOf(operation) }),
      act: () => deleteOperation(operation),
      refresh: () => refreshOperations(client),
    });
  return { act, remove };
}

/** A new one stands first. */
export function addOperation(client: QueryClient, operation: Operation): void {
  client.setQueryData<OperationPage>([LIST, 1], (known) =>
    known
      ? {
          ...known,
          data: [operation, ...known.data.filter(({ id }) => id !== operation.id)],
          pagination: { ...known.pagination, total: known.pagination.total + 1 },
        }
      : known,
  );
  void client.invalidateQueries({ queryKey: [LIST], refetchType: 'none' });
}

export type NewOperation = { operation: string; parameters: Readonly<Record<string, unknown>>; file: File };
export type Sending = { signal: AbortSignal; onProgress: (share: number) => void };

/** Sends a file with what shall be done. The fields go first: wrong ones are refused before the file is sent. @throws ApiError */
export function createOperation(
  { operation, parameters, file }: NewOperation,
  { signal, onProgress }: Sending,
): Promise<Operation> {
  const form = new FormData();
  form.append('operation', operation);
  form.append('parameters', JSON.stringify(parameters));
  form.append('file', file, file.name);
  // fetch() does not tell how much of a body has gone.
  const sending = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    sending.open('POST', `${PREFIX}/operations/`);
    for (const [name, value] of Object.entries(keyHeaders())) sending.setRequestHeader(name, value);
    sending.upload.addEventListener('progress', ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0));
    sending.addEventListener('load', () => {
      if (sending.status >= 400) reject(readProblem(sending.status, sending.responseText, sending.statusText));
      else resolve((JSON.parse(sending.responseText) as Enveloped<Operation>).data);
    });
    sending.addEventListener('error', () =>
      reject(new ApiError(0, { message: t('convert.broken'), code: 'unreachable', advice: t('error.unreachable') })),
    );
    sending.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    signal.addEventListener('abort', () => sending.abort(), { once: true });
    sending.send(form);
  });
}
