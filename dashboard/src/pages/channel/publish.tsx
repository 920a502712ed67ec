// Where an encoder sends to: the address of a channel that waits for one, as OBS and FFmpeg ask for it. Used by the channel page.
import type { Channel } from '../../api/types.ts';
import { t } from '../../text/text.ts';
import { Code } from '../../ui/code.tsx';
import { Card } from '../../ui/parts.tsx';

const ADDRESS =
  /^(?<scheme>[a-z]+):\/\/(?<user>[^@/?]*@)?(?<host>\[[^\]]*\]|[^:/?]*)(?<port>:\d+)?(?<path>[^?]*)(?:\?(?<query>.*))?$/;
/** Hosts that mean every address of the machine. */
const ANY_HOST = ['', '0.0.0.0', '[::]', '*'];
/** How the server listens is of no use to who sends. */
const OWN_WORDS = ['mode', 'listen'];

type Place = { server: string; key: string };

/** Null of channels that fetch their input themselves. */
export function placeToSend({ input_type: type, input_url: url, input_listen: waits }: Channel): Place | null {
  const { scheme = '', host = '', port = '', path = '', query = '' } = ADDRESS.exec(String(url ?? ''))?.groups ?? {};
  if (scheme === '') return null;
  const asked = new URLSearchParams(query);
  const isOurs = waits === true || asked.get('mode') === 'listener' || asked.get('listen') === '1';
  const isAnyHost = ANY_HOST.includes(host);
  if (type === 'udp' || type === 'rtp' ? !isAnyHost : !isOurs) return null;
  for (const name of OWN_WORDS) asked.delete(name);
  const rest = asked.size > 0 ? `?${asked}` : '';
  const at = `${scheme}://${isAnyHost ? location.hostname : host}${port}`;
  if (type !== 'rtmp') return { server: `${at}${rest}`, key: '' };
  const cut = path.lastIndexOf('/');
  return { server: at + path.slice(0, cut), key: path.slice(cut + 1) + rest };
}

export function Publish({ channel }: { channel: Channel }) {
  const place = placeToSend(channel);
  if (place === null) return null;
  const { server, key } = place;
  return (
    <Card title={t('channel.publish')}>
      <div className="body stack">
        <span className="small quiet">{t('channel.publish.server')}</span>
        <Code text={server} label={t('channel.publish.server')} />
        {key !== '' && (
          <>
            <span className="small quiet">{t('channel.publish.key')}</span>
            <Code text={key} label={t('channel.publish.key')} />
          </>
        )}
        <span className="small quiet">FFmpeg</span>
        <Code text={commandFor(channel.input_type, place)} label="FFmpeg" />
        <p className="small quiet">{t('channel.publish.hint')}</p>
      </div>
    </Card>
  );
}

function commandFor(type: string, { server, key }: Place): string {
  const format = type === 'rtmp' ? 'flv' : type === 'rtp' ? 'rtp_mpegts' : 'mpegts';
  const address = key === '' ? server : `${server}/${key}`;
  return `ffmpeg -re -i film.mp4 -c:v libx264 -g 50 -c:a aac -f ${format} '${address}'`;
}
