// `GET operations/{id}/events/`: status and progress as they change (server-sent events). Wired by routes.ts.
import type { Api, ApiContext } from '#api/context.ts';
import { EventStream, follow } from '#api/event-stream.ts';
import { failureSchema } from '#api/operations/envelope.ts';
import { operationParams } from '#api/operations/schema.ts';
import { refOf, type Sessions } from '#api/operations/session.ts';
import { viewStatus } from '#api/operations/view.ts';
import { findOperation, type OperationRef } from '#database/operations.ts';
import { EVENTS, JOB_PROGRESS } from '#workflows/notification-channels.ts';
import { requireOperation } from '#workflows/operations/change-operation.ts';

export function eventRoute(app: Api, context: ApiContext, sessions: Sessions): void {
  const { platform } = context;
  app.get(
    '/operations/:id/events',
    {
      config: { scope: 'read' },
      schema: {
        tags: ['operations'],
        summary: 'Server-sent events: status, progress; deleted ends them',
        params: operationParams,
        response: { 404: failureSchema },
      },
    },
    async (request, reply) => {
      const ref = refOf(sessions(request, reply), request.params.id);
      const { jobId } = await requireOperation(platform, ref);
      await followOperation(context, new EventStream(reply, context.streams), { ...ref, jobId });
      return reply;
    },
  );
}

/** Sends how it stands now, then every change of it. */
function followOperation(
  { platform }: ApiContext,
  stream: EventStream,
  { jobId, ...ref }: OperationRef & { readonly jobId: number },
): Promise<void> {
  const { config, database } = platform;
  const keeping = { expiryHours: config.OPERATION_EXPIRY_HOURS };
  let last: { readonly status: string; readonly text: string } | null = null;
  const tell = async () => {
    const operation = await findOperation(database.db, ref, keeping);
    if (!operation) {
      stream.send({ event: 'deleted', data: { id: ref.id } });
      stream.end();
      return;
    }
    const data = viewStatus(operation);
    const now = { status: data.status, text: JSON.stringify(data) };
    if (now.text === last?.text) return;
    stream.send({ event: now.status === last?.status ? 'progress' : 'status', data });
    last = now;
  };
  return follow(platform, stream, {
    channels: [EVENTS, JOB_PROGRESS],
    hear: (note) => note === null || note.jobId === jobId,
    tell,
  });
}
