// What happened to a channel: starts, ends, restarts, from the list of events.
import { useQuery } from '@tanstack/react-query';
import { request } from '../../api/http.ts';
import { moment, t, tell } from '../../text/text.ts';
import { Card, Status } from '../../ui/parts.tsx';

type Event = { id: number; type: string; timestamp: string; data: Record<string, unknown> };
const LOOKED_AT = 1000;
const SHOWN = 50;

/** Events have one order for everything: the last page is found by asking from where the present is. */
async function readHistory(channelId: number): Promise<Event[]> {
  const kept: Event[] = [];
  let after = 0;
  for (;;) {
    const page = await request<{ events: Event[]; nextAfter: number }>(`/events?after=${after}&limit=${LOOKED_AT}`);
    kept.push(
      ...page.events.filter(
        ({ type, data }) =>
          type.startsWith('channel.') &&
          (data.channel === channelId || data.channel_id === channelId || data.channelId === channelId),
      ),
    );
    if (page.events.length < LOOKED_AT) return kept.slice(-SHOWN).reverse();
    after = page.nextAfter;
  }
}

export function History({ channelId }: { channelId: number }) {
  const { data } = useQuery({
    queryKey: ['channel', String(channelId), 'history'],
    queryFn: () => readHistory(channelId),
    staleTime: 30_000,
    retry: 0,
  });
  if (!data || data.length === 0) return null;
  return (
    <Card title={t('channel.history')}>
      <ul className="list">
        {data.map(({ id, type, timestamp, data: told }) => (
          <li key={id}>
            <div className="row between">
              <span className="row">
                <Status of={typeof told.status === 'string' ? told.status : type.replace(/^channel\./, '')} />
                <span className="small">{tell('event', type)}</span>
              </span>
              <time className="small quiet" dateTime={timestamp}>
                {moment(timestamp)}
              </time>
            </div>
            {typeof told.error_message === 'string' && <span className="small bad-text">{told.error_message}</span>}
          </li>
        ))}
      </ul>
    </Card>
  );
}
