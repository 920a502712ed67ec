// The state of a channel in the words of live: on air, starting, off. Used by the channel pages.
import type { ChannelStatus } from '../../api/types.ts';
import { t } from '../../text/text.ts';

const TONES: Readonly<Record<ChannelStatus, string>> = {
  running: 'good',
  pending: 'info',
  retrying: 'wait',
  error: 'bad',
  stopped: '',
};

export const State = ({ of }: { of: ChannelStatus }) => (
  <span className={`badge ${TONES[of]}`}>{t(`channel.event.${of}`)}</span>
);
