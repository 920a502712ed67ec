// `GET /videos` and `GET /admin/videos`: the same list. Used by video-routes.ts and admin-routes.ts.
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ApiContext, callerOf, playbackBase } from '#api/context.ts';
import { wholeOr } from '#api/videos/forms.ts';
import { listVideos, type VideoSort } from '#database/videos.ts';
import { VIDEO_STATUSES } from '#domain/video.ts';
import { viewVideo } from '#workflows/videos/view-video.ts';

const SORTS = ['created_at', 'updated_at', 'title', 'size', 'duration'] as const satisfies readonly VideoSort[];
const allowed = SORTS.flatMap((name) => [name, `-${name}`] as const);

export const listQuery = z.object({
  search: z.string().max(200).optional(),
  status: z.enum(VIDEO_STATUSES, { error: `one of ${VIDEO_STATUSES.join(', ')}` }).optional(),
  tag: z.string().max(100).optional(),
  sort: z
    .enum(allowed, { error: `one of ${SORTS.join(', ')}, with - before it from the greatest down` })
    .default('-created_at'),
  page: wholeOr(1, 1, 1_000_000),
  page_size: wholeOr(50, 1, 200),
});

export async function answerList(context: ApiContext, request: FastifyRequest, query: z.output<typeof listQuery>) {
  const { database, showing } = context.platform;
  const { search, status, tag, sort, page, page_size: size } = query;
  const { videos, total } = await listVideos(
    database.db,
    {
      projectId: callerOf(request).projectId,
      ...(search ? { search } : {}),
      ...(status ? { status } : {}),
      ...(tag ? { tag } : {}),
      sort: SORTS.find((name) => sort.endsWith(name)) ?? 'created_at',
      descending: sort.startsWith('-'),
      limit: size,
      offset: (page - 1) * size,
    },
    showing,
  );
  const base = playbackBase(context, request);
  return { videos: videos.map((video) => viewVideo(context.platform, video, base)), total, page, page_size: size };
}
