// Makes an operation of a received file: looks what it is, and submits its job; operation and job appear together or not at all. Called by the operations API.
import { v7 as uuidv7 } from 'uuid';
import { insertOperation, saveOperationFile } from '#database/operations.ts';
import { deleteUpload } from '#database/uploads.ts';
import { PlatformError } from '#domain/error.ts';
import { type JobLane, USUAL_PRIORITY } from '#domain/job.ts';
import type { OperationFile, SessionRef } from '#domain/operation.ts';
import type { MediaType, ParameterValues } from '#domain/operations/definition.ts';
import { recognizeFormat } from '#domain/operations/formats.ts';
import { type AnyOperation, requireInput } from '#domain/operations/registry.ts';
import type { OutputSpec } from '#domain/output.ts';
import type { SourceFacts } from '#domain/source-facts.ts';
import { toJob } from '#media/operations/to-job.ts';
import { makePlan } from '#media/plan.ts';
import { probeSource } from '#media/probe.ts';
import { openInput } from '#workflows/open-input.ts';
import { sourceMetadata } from '#workflows/operations/file-metadata.ts';
import type { ReceivedFile } from '#workflows/operations/receive-file.ts';
import { resultDestination } from '#workflows/operations/result-destination.ts';
import { planOptions } from '#workflows/plan-options.ts';
import type { Platform } from '#workflows/platform.ts';
import { submitJob } from '#workflows/submit-job.ts';

const LANES: Readonly<Record<MediaType, JobLane>> = {
  video: 'operation-video',
  image: 'operation-image',
  audio: 'operation-audio',
};

export type OperationWish = {
  readonly session: SessionRef;
  readonly operation: AnyOperation;
  /** As the caller gave them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The same, validated, defaults filled in. */
  readonly values: ParameterValues;
  readonly file: ReceivedFile;
  /** `https://host` that the caller reached us under. */
  readonly baseUrl: string;
  /** Aborted when the caller has gone: then nobody would know of the operation. */
  readonly signal: AbortSignal;
};

/**
 * Answers the operation's id. What it throws leaves the file as it was, to be dropped.
 * @throws PlatformError `not_media`, `unsupported_media`, `corrupt_media`, `encrypted_media`, `media_limit`, and what no plan can be made for:
 *   `no_audio`, `no_video`, `invalid_request`
 */
export async function createOperation(platform: Platform, wish: OperationWish): Promise<string> {
  const { session, operation, file } = wish;
  const { projectId } = session;
  const { input, mimeType, format, facts } = await examine(platform, wish);
  requireInput(operation, format);
  const specs = toJob(operation, wish.values, { format });
  refuseImpossible(platform, facts, specs);
  const id = uuidv7();
  const outputs = specs.map((spec) => ({
    ...spec,
    destination: resultDestination(platform, id, spec.container),
  }));
  const record: OperationFile = {
    id: uuidv7(),
    type: 'input',
    path: file.storageKey,
    name: file.filename,
    size: file.size,
    mimeType,
    cloudinaryPublicId: null,
    cloudinaryUrl: null,
    metadata: input,
  };
  await submitJob(
    platform,
    {
      projectId,
      api: 'operations',
      lane: LANES[operation.media_type],
      source: { kind: 'managed', key: file.storageKey },
      outputs,
      priority: USUAL_PRIORITY,
      metadata: { operation: operation.name, operation_id: id, filename: file.filename },
      notificationUrl: null,
      idempotencyKey: null,
      baseUrl: wish.baseUrl,
    },
    async (db, job) => {
      await insertOperation(db, {
        ...session,
        id,
        jobId: job.id,
        operation: operation.name,
        mediaType: operation.media_type,
        parameters: wish.parameters,
      });
      await saveOperationFile(db, { projectId, operationId: id, file: record });
      // From here on the operation owns the bytes.
      await deleteUpload(db, { projectId, id: file.id });
    },
  );
  return id;
}

async function examine(platform: Platform, { file, signal }: OperationWish) {
  const { tool, limits } = platform;
  const place = { source: { kind: 'managed', key: file.storageKey }, sourceKey: file.storageKey } as const;
  const { input, check, close } = await openInput(platform, place, signal);
  try {
    const facts = await probeSource({ tool, limits, signal, input });
    const { format, mime_type: mimeType } = recognizeFormat(facts);
    return { input: sourceMetadata(facts, format), mimeType, format, facts };
  } finally {
    await close();
    check();
  }
}

/** What a job would fail with before its first task, said while the caller still listens. */
function refuseImpossible(platform: Platform, facts: SourceFacts, outputs: readonly OutputSpec[]): void {
  // How long one whose clock jumps is, is known when it is straightened.
  if (facts.clock === 'jumps') return;
  try {
    makePlan({ facts, outputs, options: planOptions(platform) });
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    // Another machine's FFmpeg may have the encoder that ours lacks.
    if (error.code === 'unsupported_codec') return;
    const message = error.message.replace(/^outputs\.0: /, '');
    const errors = error.fault === 'caller' ? [{ path: 'parameters', message }] : [];
    throw new PlatformError(error.code, message, { cause: error, errors });
  }
}
