// One video while it is made.
import type { Video } from '../../api/types.ts';
import { isBusy, useTranscode } from '../../api/videos.ts';
import { clock, t, tell } from '../../text/text.ts';
import { Card, Progress } from '../../ui/parts.tsx';

/** How far each rendition is, segment by segment. */
export function Making({ video }: { video: Video }) {
  const { data } = useTranscode(video.hash, isBusy(video));
  if (video.status === 'ready' || !data || Object.keys(data.qualities).length === 0) return null;
  return (
    <Card
      title={t('video.making')}
      side={
        data.eta_seconds !== null && (
          <span className="small quiet">{t('job.left', { time: clock(data.eta_seconds) })}</span>
        )
      }
    >
      <div className="body stack">
        <Progress value={data.progress} label={t('video.progress', { title: video.title })} />
        {Object.entries(data.qualities).map(([name, one]) => (
          <div className="quality" key={name}>
            <div className="row between small">
              <strong>{name}</strong>
              <span className="quiet number">
                {t('video.segments', { ready: one.segments_ready, total: one.segments_total })} ·{' '}
                {tell('status', one.status)}
              </span>
            </div>
            <SegmentMap ready={one.segments_ready} total={one.segments_total} />
          </div>
        ))}
      </div>
    </Card>
  );
}

/** More would be too narrow to be seen: then each stands for several. */
const MOST_SEGMENTS = 60;
function SegmentMap({ ready, total }: { ready: number; total: number }) {
  const count = Math.max(1, Math.min(MOST_SEGMENTS, total));
  const filled = total > 0 ? Math.floor((ready / total) * count) : 0;
  return (
    <div className="segments-map" aria-hidden>
      {Array.from({ length: count }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: places in time, which never move
        <i key={i} className={i < filled ? 'ready' : ''} />
      ))}
    </div>
  );
}
