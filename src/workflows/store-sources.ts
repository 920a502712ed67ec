// Puts into storage what came inside a request: its source, its watermarks. Uploads it names are looked at. Called by submit-job.ts.
import { findUpload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import type { JobRequest } from '#domain/job.ts';
import type { InlineLocation, Location, UploadLocation } from '#domain/location.ts';
import type { OutputSpec } from '#domain/output.ts';
import { sourceKey, watermarkSourceKey } from '#workflows/job-storage.ts';
import type { Platform } from '#workflows/platform.ts';

/** Whether anything of a request lies in it, or was sent before it, instead of elsewhere. */
export const bringsBytes = ({ source, outputs }: JobRequest): boolean =>
  [source, ...outputs.flatMap(({ watermark }) => (watermark ? [watermark.source] : []))].some(
    ({ kind }) => kind === 'inline' || kind === 'upload',
  );

/** Places that no worker could open, told from the request alone. @throws PlatformError naming the field */
export async function checkPlaces(
  { locations }: Platform,
  { source, outputs }: Pick<JobRequest, 'source' | 'outputs'>,
): Promise<void> {
  const destinations = outputs.map(({ destination }, i) => ({ path: `outputs.${i}.destination`, place: destination }));
  const places = [
    ...sourcesOf({ source, outputs }).map((one) => ({ ...one, role: 'source' as const })),
    ...destinations.map((one) => ({ ...one, role: 'destination' as const })),
  ];
  for (const { path, place, role } of places) {
    if (place?.kind !== 'file') continue;
    await locations.checkPlace(place, role).catch((error: unknown) => {
      if (!(error instanceof PlatformError)) throw error;
      const errors = [{ path: `${path}.path`, message: 'a path under FILE_ROOTS' }];
      throw new PlatformError(error.code, error.message, { cause: error, errors });
    });
  }
}

const sourcesOf = ({ source, outputs }: Pick<JobRequest, 'source' | 'outputs'>) => [
  { path: 'source', place: source },
  ...outputs.map(({ watermark }, i) => ({ path: `outputs.${i}.watermark.source`, place: watermark?.source ?? null })),
];

type Submission = { readonly request: JobRequest; readonly uuid: string };

/** What came with the request itself is stored first, and an upload is looked at: a job that was acknowledged has its source. */
export async function storeSource(
  platform: Platform,
  { request, uuid }: Submission,
): Promise<{ readonly source: Location; readonly sourceKey: string | null }> {
  const { source } = request;
  if (source.kind === 'upload') {
    const { storageKey } = await receivedUpload(platform, { projectId: request.projectId, path: 'source', source });
    return { source, sourceKey: storageKey };
  }
  if (source.kind === 'managed') return { source, sourceKey: source.key };
  if (source.kind !== 'inline') return { source, sourceKey: null };
  const key = sourceKey(uuid);
  return { source: await storeInline(platform, { source, path: 'source', key }), sourceKey: key };
}

type Inline = { readonly source: InlineLocation; readonly path: string; readonly key: string };

/** Answers the location without its bytes. @throws PlatformError `invalid_request`, `empty_source`, naming the field */
async function storeInline({ locations, storage }: Platform, { source, path, key }: Inline): Promise<InlineLocation> {
  const opened = await locations.openSource(source).catch((error: unknown) => {
    if (!(error instanceof PlatformError) || error.fault !== 'caller') throw error;
    const errors = [{ path: `${path}.data`, message: 'base64' }];
    throw new PlatformError(error.code, error.message, { cause: error, errors });
  });
  try {
    if ((await opened.store.stat(opened.key)).size === 0)
      throw new PlatformError('empty_source', `${opened.name} is empty: it has no bytes`, {
        errors: [{ path: `${path}.data`, message: 'base64 of at least one byte' }],
      });
    await storage.write(key, await opened.store.read(opened.key));
    return { ...source, data: '' };
  } finally {
    await opened.store.close();
  }
}

/** For a dry run, which stores nothing: the uploads it names are the project's, and whole. @throws PlatformError `not_found`, `conflict` */
export async function requireUploads(
  platform: Platform,
  { projectId, source, outputs }: Pick<JobRequest, 'projectId' | 'source' | 'outputs'>,
): Promise<void> {
  for (const { path, place } of sourcesOf({ source, outputs }))
    if (place?.kind === 'upload') await receivedUpload(platform, { projectId, path, source: place });
}

type UploadWish = { readonly projectId: string; readonly path: string; readonly source: UploadLocation };

/** An upload of the project that is whole. @throws PlatformError `not_found`, `conflict` */
async function receivedUpload({ database }: Platform, { projectId, path, source }: UploadWish) {
  const upload = await findUpload(database.db, { projectId, id: source.uploadId });
  if (!upload)
    throw new PlatformError('not_found', `There is no upload ${source.uploadId}`, {
      errors: [{ path: `${path}.uploadId`, message: 'the id of an upload' }],
    });
  if (upload.status !== 'received') throw new PlatformError('conflict', `Upload ${upload.id} is not complete yet`);
  return upload;
}

/** Watermarks that came with the request: see storeSource. */
export async function storeWatermarks(
  platform: Platform,
  { request, uuid }: Submission,
): Promise<readonly OutputSpec[]> {
  const outputs: OutputSpec[] = [];
  for (const [index, spec] of request.outputs.entries()) {
    const source = spec.watermark?.source;
    const path = `outputs.${index}.watermark.source`;
    if (source?.kind === 'upload') await receivedUpload(platform, { projectId: request.projectId, path, source });
    if (!spec.watermark || source?.kind !== 'inline') {
      outputs.push(spec);
      continue;
    }
    const stored = await storeInline(platform, { source, path, key: watermarkSourceKey(uuid, index) });
    outputs.push({ ...spec, watermark: { ...spec.watermark, source: stored } });
  }
  return outputs;
}
