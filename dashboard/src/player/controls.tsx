// What is under the picture: play, time with pictures while hovering, sound, quality, captions, full screen.
import { Maximize, Pause, Play, Volume2, VolumeX } from 'lucide-react';
import { type PointerEvent, type RefObject, useEffect, useReducer, useRef, useState } from 'react';
import { raiseCaptions } from '../../watch/raise-captions.ts';
import { trackName } from '../../watch/track-name.ts';
import type { Option, Track } from '../../watch/tracks.ts';
import { clock, t, useLanguage } from '../text/text.ts';
import type { Stream } from './attach-stream.ts';
import type { Cue } from './storyboard.ts';

type ControlsProps = {
  video: HTMLVideoElement;
  stream: Stream;
  cues: readonly Cue[];
  live: boolean;
  growing: boolean;
  box: RefObject<HTMLDivElement | null>;
};
const HEARD = ['timeupdate', 'durationchange', 'play', 'pause', 'volumechange', 'seeking', 'loadedmetadata'] as const;
const SPEEDS = [0.5, 1, 1.25, 1.5, 2];

export function Controls({ video, stream, cues, live, growing, box }: ControlsProps) {
  const language = useLanguage();
  const [, again] = useReducer((count: number) => count + 1, 0);
  const bar = useRef<HTMLDivElement>(null);
  const [peek, setPeek] = useState<{ cue: Cue | null; time: number; share: number } | null>(null);
  useEffect(() => {
    for (const name of HEARD) video.addEventListener(name, again);
    const off = stream.onChange(again);
    return () => {
      off();
      for (const name of HEARD) video.removeEventListener(name, again);
    };
  }, [video, stream]);
  useEffect(() => {
    if (box.current && bar.current) return raiseCaptions(video, box.current, bar.current);
  }, [video, box]);
  const duration = Number.isFinite(video.duration) ? video.duration : 0;
  const hover = (event: PointerEvent<HTMLInputElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    const time = share * duration;
    setPeek({ time, share, cue: cues.find(({ start, end }) => time >= start && time < end) ?? cues.at(-1) ?? null });
  };
  const levels = stream.levels();
  const { tracks } = stream;
  const [sounds, texts] = [tracks.sounds(), tracks.texts()];
  const named = (some: readonly Track[]) => some.map((track) => ({ ...track, name: trackName(track, language) }));
  const shown = stream.shown();
  const automatic = shown && stream.level() === -1 ? `${t('player.auto')} (${shown})` : t('player.auto');
  return (
    <div className="controls" ref={bar}>
      {peek && duration > 0 && !live && <Peek peek={peek} />}
      {!live && (
        <input
          type="range"
          min={0}
          max={duration || 1}
          step={0.1}
          value={video.currentTime}
          aria-label={t('player.seek')}
          aria-valuetext={`${clock(video.currentTime)} / ${clock(duration)}`}
          onChange={({ target }) => {
            video.currentTime = Number(target.value);
          }}
          onPointerMove={hover}
          onPointerLeave={() => setPeek(null)}
        />
      )}
      <div className="row">
        <button
          type="button"
          aria-label={t(video.paused ? 'player.play' : 'player.pause')}
          onClick={() => void (video.paused ? video.play() : video.pause())}
        >
          {video.paused ? <Play size={16} aria-hidden /> : <Pause size={16} aria-hidden />}
        </button>
        <button
          type="button"
          aria-label={t(video.muted ? 'player.unmute' : 'player.mute')}
          onClick={() => {
            video.muted = !video.muted;
          }}
        >
          {video.muted ? <VolumeX size={16} aria-hidden /> : <Volume2 size={16} aria-hidden />}
        </button>
        <span className="time grow">
          {live ? (
            <span className="badge live">{t('player.live')}</span>
          ) : (
            `${clock(video.currentTime)} / ${clock(duration)}${growing ? '…' : ''}`
          )}
        </span>
        {sounds.length > 1 && (
          <Menu
            label={t('player.sound')}
            chosen={tracks.sound()}
            options={named(sounds)}
            choose={tracks.chooseSound}
            after={again}
          />
        )}
        {texts.length > 0 && (
          <Menu
            label={t('player.captions')}
            chosen={tracks.text()}
            options={[{ index: -1, name: t('player.captions.off') }, ...named(texts)]}
            choose={tracks.chooseText}
            after={again}
          />
        )}
        {!live && (
          <Menu
            className="rate"
            label={t('player.speed')}
            chosen={video.playbackRate}
            options={SPEEDS.map((speed) => ({ index: speed, name: `${speed}×` }))}
            choose={(speed) => {
              video.playbackRate = speed;
            }}
            after={again}
          />
        )}
        {levels.length > 1 && (
          <Menu
            label={t('player.quality')}
            chosen={stream.level()}
            options={[{ index: -1, name: automatic }, ...levels]}
            choose={stream.choose}
            after={again}
          />
        )}
        <button
          type="button"
          aria-label={t('player.full')}
          onClick={() =>
            void (document.fullscreenElement ? document.exitFullscreen() : box.current?.requestFullscreen())
          }
        >
          <Maximize size={16} aria-hidden />
        </button>
      </div>
    </div>
  );
}

type MenuProps = {
  label: string;
  chosen: number;
  options: readonly Option[];
  choose: (value: number) => void;
  after: () => void;
  className?: string;
};

function Menu({ label, chosen, options, choose, after, className }: MenuProps) {
  return (
    <select
      aria-label={label}
      value={chosen}
      onChange={({ target }) => {
        choose(Number(target.value));
        after();
      }}
      {...(className ? { className } : {})}
    >
      {options.map(({ index, name }) => (
        <option key={index} value={index}>
          {name}
        </option>
      ))}
    </select>
  );
}

function Peek({ peek: { cue, time, share } }: { peek: { cue: Cue | null; time: number; share: number } }) {
  const place = { insetInlineStart: `clamp(5rem, ${share * 100}%, calc(100% - 5rem))` };
  if (!cue) return null;
  return (
    <div
      className="peek"
      aria-hidden
      style={{
        ...place,
        inlineSize: cue.width,
        blockSize: cue.height,
        backgroundImage: `url(${JSON.stringify(cue.sheet)})`,
        backgroundPosition: `-${cue.x}px -${cue.y}px`,
      }}
    >
      <span>{clock(time)}</span>
    </div>
  );
}
