// Tokens with which a browser without a key may make one upload each. Wired by api.ts.
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { type Api, type ApiContext, callerOf } from '#api/context.ts';
import { whole, wholeOr } from '#api/videos/forms.ts';
import { signUploadToken, TOKEN_PURPOSE } from '#domain/upload-token.ts';

const tags = ['videos: upload'];
/** seconds */
const HOUR = 3600;
const LONGEST = 30 * 24 * HOUR;

const tokenBody = z.object({
  expires_in: wholeOr(HOUR, 1, LONGEST),
  max_bytes: whole(1, Number.MAX_SAFE_INTEGER).optional(),
});
const tokenAnswer = z.object({
  token: z.string(),
  upload_id: z.string(),
  max_bytes: z.int(),
  expires_at: z.iso.datetime(),
});

export function uploadTokenRoutes(app: Api, { platform }: ApiContext): void {
  app.post(
    '/upload/tokens',
    {
      config: { scope: 'write' },
      schema: {
        tags,
        summary: 'A token with which a browser without a key may make one upload',
        body: tokenBody,
        response: { 201: tokenAnswer },
      },
    },
    async (request, reply) => {
      const { expires_in: seconds, max_bytes: asked } = request.body;
      const maxBytes = Math.min(asked ?? Infinity, platform.config.MAX_SOURCE_BYTES);
      const expiresAt = Math.floor(Date.now() / 1000) + seconds;
      const grant = { projectId: callerOf(request).projectId, uploadId: uuidv7(), maxBytes, expiresAt };
      return reply.code(201).send({
        token: signUploadToken(grant, platform.keysFor(TOKEN_PURPOSE)),
        upload_id: grant.uploadId,
        max_bytes: maxBytes,
        expires_at: new Date(expiresAt * 1000).toISOString(),
      });
    },
  );
}
