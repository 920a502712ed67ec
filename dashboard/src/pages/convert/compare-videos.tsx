// Two films side by side that play as one: the second follows the first. Also a film beside a picture or an animation made of it.
import { Pause, Play } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { clock, t } from '../../text/text.ts';
import type { Side, Sides } from './result.tsx';

/** Seconds apart that nobody sees. */
const APART = 0.12;

export function CompareVideos({ sides: { before, after } }: { sides: Sides }) {
  const first = useRef<HTMLVideoElement>(null);
  const second = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  const [duration, setDuration] = useState(0);
  const both = before?.kind === 'video' && after.kind === 'video';
  useEffect(() => {
    if (!both) return;
    const [lead, follower] = [first.current, second.current];
    if (!lead || !follower) return;
    const keep = () => {
      setTime(lead.currentTime);
      const wanted = Math.min(lead.currentTime, follower.duration || lead.currentTime);
      if (Math.abs(follower.currentTime - wanted) > APART && !follower.seeking) follower.currentTime = wanted;
    };
    const measure = () => setDuration(Number.isFinite(lead.duration) ? lead.duration : 0);
    const stop = () => {
      follower.pause();
      setPlaying(false);
    };
    measure();
    lead.addEventListener('timeupdate', keep);
    lead.addEventListener('loadedmetadata', measure);
    lead.addEventListener('pause', stop);
    return () => {
      lead.removeEventListener('timeupdate', keep);
      lead.removeEventListener('loadedmetadata', measure);
      lead.removeEventListener('pause', stop);
    };
  }, [both]);
  const toggle = async () => {
    if (playing) return first.current?.pause();
    setPlaying(true);
    await Promise.all([first.current?.play(), second.current?.play()]);
  };
  return (
    <div className="stack">
      <div className={before ? 'pair' : ''}>
        {before && (
          <figure>
            <Picture side={before} video={first} name={t('convert.before')} controls={!both} />
          </figure>
        )}
        <figure>
          <Picture side={after} video={second} name={t('convert.after')} controls={!both} isMuted={both} />
        </figure>
      </div>
      {both && (
        <div className="row nowrap">
          <button
            type="button"
            className="button icon"
            aria-label={t(playing ? 'convert.pause.both' : 'convert.play.both')}
            onClick={() => void toggle().catch(() => setPlaying(false))}
          >
            {playing ? <Pause size={16} aria-hidden /> : <Play size={16} aria-hidden />}
          </button>
          <input
            className="grow"
            type="range"
            min={0}
            max={duration || 1}
            step={0.04}
            value={time}
            aria-label={t('convert.seek.both')}
            aria-valuetext={clock(time)}
            onChange={({ target }) => {
              const at = Number(target.value);
              setTime(at);
              for (const { current } of [first, second]) if (current) current.currentTime = at;
            }}
          />
          <span className="small quiet number">
            {clock(time)} / {clock(duration)}
          </span>
        </div>
      )}
    </div>
  );
}

type PictureProps = {
  side: Side;
  video: React.RefObject<HTMLVideoElement | null>;
  name: string;
  controls: boolean;
  isMuted?: boolean;
};

function Picture({ side: { url, kind }, video, name, controls, isMuted = false }: PictureProps) {
  const [broken, setBroken] = useState(false);
  return (
    <>
      {broken ? (
        <p className="media unplayable small">{t('convert.unseen')}</p>
      ) : kind === 'image' ? (
        <img className="media" src={url} alt={name} onError={() => setBroken(true)} />
      ) : (
        <video
          ref={video}
          className="media"
          src={url}
          controls={controls}
          muted={isMuted}
          playsInline
          preload="auto"
          aria-label={name}
          onError={() => setBroken(true)}
        />
      )}
      <figcaption className="small quiet">{name}</figcaption>
    </>
  );
}
