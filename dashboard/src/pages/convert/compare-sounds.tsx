// Sound before and after: each as a wave drawn by its peaks, which is clicked to seek, above a player. Heard at the same moment when one changes over.
import { Pause, Play } from 'lucide-react';
import { type MouseEvent, useEffect, useRef, useState } from 'react';
import { useTheme } from '../../shell/theme.ts';
import { clock, number, t } from '../../text/text.ts';
import type { Side, Sides } from './result.tsx';
import { drawWave, loadWave, peakDecibels, type Wave } from './wave.ts';

export function CompareSounds({ sides: { before, after } }: { sides: Sides }) {
  // What plays falls silent when the other begins, and the other goes on from there.
  const playing = useRef<HTMLAudioElement | null>(null);
  const begin = (element: HTMLAudioElement) => {
    const last = playing.current;
    if (last && last !== element && !last.paused) {
      element.currentTime = Math.min(last.currentTime, element.duration || 0);
      last.pause();
    }
    playing.current = element;
  };
  return (
    <div className="stack">
      {before && <Sound name={t('convert.before')} side={before} onBegin={begin} />}
      <Sound name={t('convert.after')} side={after} onBegin={begin} />
    </div>
  );
}

type SoundProps = { name: string; side: Side; onBegin: (element: HTMLAudioElement) => void };

function Sound({ name, side, onBegin }: SoundProps) {
  const { url } = side;
  const source = useRef(side);
  source.current = side;
  const audio = useRef<HTMLAudioElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const [wave, setWave] = useState<Wave | null>(null);
  const [failed, setFailed] = useState(false);
  const [playing, setPlaying] = useState(false);
  const [time, setTime] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another address is another file
  useEffect(() => {
    let isGone = false;
    loadWave(source.current).then(
      (found) => !isGone && setWave(found),
      () => !isGone && setFailed(true),
    );
    return () => {
      isGone = true;
    };
  }, [url]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the theme changes
  useEffect(() => {
    const element = canvas.current;
    if (!element || !wave) return;
    const draw = () => drawWave(element, wave, wave.duration > 0 ? time / wave.duration : 0);
    draw();
    const watcher = new ResizeObserver(draw);
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [wave, time, theme]);
  const duration = wave?.duration ?? 0;
  const seek = (event: MouseEvent<HTMLCanvasElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    if (audio.current && duration > 0) audio.current.currentTime = ((event.clientX - left) / width) * duration;
  };
  const toggle = () => {
    const element = audio.current;
    if (!element) return;
    if (!element.paused) return element.pause();
    onBegin(element);
    element.play().catch(() => setFailed(true));
  };
  const about = wave
    ? t('convert.wave', { time: clock(duration), peak: number(peakDecibels(wave)) })
    : t(failed ? 'convert.unheard' : 'loading');
  return (
    <figure className="sound">
      <div className="row nowrap">
        <button
          type="button"
          className="button icon"
          aria-label={t(playing ? 'convert.pause.one' : 'convert.play.one', { name })}
          onClick={toggle}
        >
          {playing ? <Pause size={16} aria-hidden /> : <Play size={16} aria-hidden />}
        </button>
        <figcaption className="grow">
          <strong className="small">{name}</strong> <span className="small quiet">{about}</span>
        </figcaption>
        <span className="small quiet number">
          {clock(time)} / {clock(duration)}
        </span>
      </div>
      <canvas ref={canvas} className="wave" dir="ltr" role="img" aria-label={`${name}: ${about}`} onClick={seek} />
      <input
        type="range"
        dir="ltr"
        min={0}
        max={duration || 1}
        step={0.1}
        value={time}
        aria-label={t('convert.seek.one', { name })}
        aria-valuetext={clock(time)}
        onChange={({ target }) => {
          if (audio.current) audio.current.currentTime = Number(target.value);
          setTime(Number(target.value));
        }}
      />
      {/* biome-ignore lint/a11y/useMediaCaption: a file of one's own, without text */}
      <audio
        ref={audio}
        src={url}
        preload="auto"
        onTimeUpdate={({ currentTarget }) => setTime(currentTarget.currentTime)}
        onPlay={() => setPlaying(true)}
        onPause={() => setPlaying(false)}
        onError={() => setFailed(true)}
      />
    </figure>
  );
}
