// From the form of `POST operations/` to an operation: whatever goes wrong on the way leaves no file behind, and names the field. Used by routes.ts.
import type { FastifyRequest } from 'fastify';
import { receiveForm } from '#api/operations/receive-form.ts';
import { PlatformError } from '#domain/error.ts';
import { createOperation, type OperationWish } from '#workflows/operations/create-operation.ts';
import { dropFile } from '#workflows/operations/receive-file.ts';
import type { Platform } from '#workflows/platform.ts';

/** Answers the operation's id. @throws PlatformError as receiveForm and createOperation do */
export async function submitForm(
  platform: Platform,
  request: FastifyRequest,
  from: Pick<OperationWish, 'session' | 'baseUrl' | 'signal'>,
): Promise<string> {
  try {
    const { given: parameters, ...form } = await receiveForm(platform, request, from.session.projectId);
    try {
      return await createOperation(platform, { ...from, ...form, parameters });
    } catch (error) {
      await dropFile(platform, form.file);
      throw error;
    }
  } catch (error) {
    throw atFile(error);
  }
}

/** What is wrong with the media is wrong with this field. */
function atFile(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.fault !== 'media' || error.errors.length > 0) return error;
  const errors = [{ path: 'file', message: error.message }];
  return new PlatformError(error.code, error.message, { cause: error, errors });
}
