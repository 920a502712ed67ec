// What a new job is said with: the body of POST /jobs as the form fills it, and the schema its fields are made from.
import { request } from '../../api/http.ts';
import type { Job } from '../../api/types.ts';
import type { Schema, Values } from '../../ui/schema-fields.tsx';

export type Spec = {
  source?: Values;
  outputs: readonly Values[];
  priority?: number;
  notificationUrl?: string;
  metadata?: Values;
};
export const START: Spec = { outputs: [{ container: 'hls' }] };
/** The kind of source that is sent along. */
export const FILE = 'upload a file';

/** Kinds of sources that lie here and belong to one job: they are chosen anew. */
const OWN_KINDS = ['upload', 'inline', 'managed'];

/** What one like this job would be made of. */
export function specOf({ source, outputs, priority, notificationUrl, metadata }: Job): Spec {
  return {
    ...(OWN_KINDS.includes(source.kind) ? {} : { source }),
    outputs: outputs.map(({ spec }) => spec),
    priority,
    ...(notificationUrl ? { notificationUrl } : {}),
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
  };
}

/** What is chosen for a source; without one a file is sent along. */
export const kindOf = (source: Values | undefined): string => (source ? String(source.kind) : FILE);

export async function loadSchema(): Promise<Schema> {
  const document = await request<{
    paths: Record<string, { post?: { requestBody?: { content: Record<string, { schema: Schema }> } } }>;
  }>('/openapi.json');
  const content = (document.paths['/jobs'] ?? document.paths['/jobs/'])?.post?.requestBody?.content;
  return content?.['application/json']?.schema ?? {};
}
