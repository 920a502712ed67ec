// A video as a card: its poster, and pictures of it while the pointer moves over.
import { Film } from 'lucide-react';
import { useState } from 'react';
import type { Video } from '../../api/types.ts';
import { besidePoster, isBusy, ownPath } from '../../api/videos.ts';
import { type Cue, loadStoryboard } from '../../player/storyboard.ts';
import { Link } from '../../router.tsx';
import { ago, bytes, clock, t } from '../../text/text.ts';
import { Pick } from '../../ui/bulk-head.tsx';
import { Progress, Status } from '../../ui/parts.tsx';
import { Picture } from '../../ui/picture.tsx';
import type { Selection } from '../../ui/selection.ts';

export function VideoCard({ video, selection }: { video: Video; selection: Selection<Video> | null }) {
  const [cues, setCues] = useState<readonly Cue[] | null>(null);
  const [share, setShare] = useState<number | null>(null);
  const storyboard = besidePoster(video, 'storyboard.vtt');
  const begin = () => {
    if (cues !== null || storyboard === null || video.status !== 'ready') return;
    setCues([]);
    // Without pictures the poster stays.
    loadStoryboard(storyboard).then(setCues, () => undefined);
  };
  const cue = share === null ? undefined : cues?.[Math.min(cues.length - 1, Math.floor(share * cues.length))];
  return (
    <li className="video" data-picked={selection?.has(video) || undefined}>
      {selection && <Pick selection={selection} item={video} name={video.title} />}
      <Link className="video-card" to={`/videos/${video.hash}`}>
        <div
          className="pic"
          onPointerEnter={begin}
          onPointerMove={(event) => {
            const { left, width } = event.currentTarget.getBoundingClientRect();
            setShare(Math.min(0.999, Math.max(0, (event.clientX - left) / width)));
          }}
          onPointerLeave={() => setShare(null)}
        >
          <Film size={28} aria-hidden />
          {video.poster_url && video.width !== null && (video.status === 'ready' || video.playable_at) && (
            <Picture path={ownPath(video.poster_url)} />
          )}
          {cue && <Hover cue={cue} />}
          {video.status !== 'ready' && <Status of={video.status} />}
          {video.duration !== null && video.duration > 0 && <span className="length">{clock(video.duration)}</span>}
          {isBusy(video) && <Progress value={video.progress} label={t('video.progress', { title: video.title })} />}
        </div>
        <div>
          <strong className="cut">{video.title}</strong>
          <span className="small quiet">
            {video.size ? `${bytes(video.size)} · ` : ''}
            {ago(video.created_at)}
          </span>
        </div>
      </Link>
    </li>
  );
}

/** The part of the sheet, as large as the card: by share, because the card's size is the page's business. */
function Hover({ cue: { sheet, x, y, width, height } }: { cue: Cue }) {
  return (
    <svg
      className="hover"
      style={{ inset: 0, inlineSize: '100%', blockSize: '100%' }}
      viewBox={`${x} ${y} ${width} ${height}`}
      preserveAspectRatio="xMidYMid slice"
      aria-hidden
    >
      <image href={sheet} />
    </svg>
  );
}
