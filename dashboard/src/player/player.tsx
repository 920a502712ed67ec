// Plays an adaptive stream, also while it is being made, or live. hls.js is loaded only when something is to be played.
import { useEffect, useRef, useState } from 'react';
import { keyHeaders } from '../api/http.ts';
import { t } from '../text/text.ts';
import { attachStream, type Stream } from './attach-stream.ts';
import { Controls } from './controls.tsx';
import { type Cue, loadStoryboard } from './storyboard.ts';

/** A stream that has no segment yet is asked for again. */
const AGAIN_MS = 1500;
const IDLE_MS = 2500;

export type PlayerProps = {
  url: string;
  poster?: string;
  storyboard?: string;
  /** It is still being made: what is there is watched from its beginning. */
  growing?: boolean;
  live?: boolean;
  label?: string;
};

export function Player({ poster, growing = false, live = false, label, ...places }: PlayerProps) {
  // Signed addresses are other ones in each answer, and the same place: what plays is not begun again for it.
  const url = useSteady(places.url) ?? places.url;
  const storyboard = useSteady(places.storyboard);
  const video = useRef<HTMLVideoElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<'waiting' | 'ready' | 'failed'>('waiting');
  const [problem, setProblem] = useState('');
  const [stream, setStream] = useState<Stream | null>(null);
  const [cues, setCues] = useState<readonly Cue[]>([]);
  /** Where to go on after the stream was attached anew. */
  const [again, setAgain] = useState<{ at: number; plays: boolean } | null>(null);
  const idle = useIdle(box);

  useEffect(() => {
    const control = new AbortController();
    let stop: () => void = () => undefined;
    if (!again) setState('waiting');
    const begin = async () => {
      while (!control.signal.aborted) {
        const { status } = await fetch(url, { headers: keyHeaders(), signal: control.signal, cache: 'no-store' });
        if (status === 200) break;
        if (status !== 404 && status !== 409 && status !== 425 && status !== 503)
          throw new Error(t('player.status', { status }));
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
      if (control.signal.aborted || !video.current) return;
      const attached = await attachStream(video.current, {
        url,
        isLive: live,
        from: again?.at ?? 0,
        onProblem: (details) => {
          setProblem(t('player.problem', { details }));
          setState('failed');
        },
      });
      stop = attached.stop;
      if (control.signal.aborted) stop();
      else {
        setStream(attached);
        setState('ready');
        // Refused where nobody has touched the page: then it waits for a touch.
        if (again?.plays) void video.current.play().catch(() => undefined);
      }
    };
    begin().catch((error: unknown) => {
      if (control.signal.aborted) return;
      setProblem(error instanceof Error ? error.message : String(error));
      setState('failed');
    });
    return () => {
      control.abort();
      stop();
    };
  }, [url, live, again]);
  useNewQualities({
    growing,
    stream,
    url,
    onMore: () => {
      const { currentTime = 0, paused = true } = video.current ?? {};
      setAgain({ at: currentTime, plays: !paused });
    },
  });
  useEffect(() => {
    if (!storyboard) return;
    let isGone = false;
    // Without pictures one seeks without pictures.
    loadStoryboard(storyboard).then(
      (found) => !isGone && setCues(found),
      () => undefined,
    );
    return () => {
      isGone = true;
    };
  }, [storyboard]);

  return (
    <div className={`player ${idle ? 'idle' : ''}`} ref={box}>
      <video
        ref={video}
        playsInline
        aria-label={label ?? t('player.label')}
        {...(poster ? { poster } : {})}
        onClick={({ currentTarget }) => void (currentTarget.paused ? currentTarget.play() : currentTarget.pause())}
      />
      {state === 'ready' && video.current && stream && (
        <Controls video={video.current} stream={stream} cues={cues} live={live} growing={growing} box={box} />
      )}
      {state === 'waiting' && (
        <div className="over" role="status">
          {t(live ? 'player.waiting.live' : 'player.waiting')}
        </div>
      )}
      {state === 'failed' && (
        <div className="over" role="alert">
          {problem}
        </div>
      )}
    </div>
  );
}

type Watch = { growing: boolean; stream: Stream | null; url: string; onMore: () => void };

/** A player reads the list of qualities once: those that came while it played are there only after it is attached anew. */
function useNewQualities({ growing, stream, url, onMore }: Watch): void {
  const grew = useRef(growing);
  const more = useRef(onMore);
  more.current = onMore;
  useEffect(() => {
    if (growing) grew.current = true;
    if (growing || !grew.current || !stream) return;
    grew.current = false;
    const control = new AbortController();
    const look = async () => {
      const answer = await fetch(url, { headers: keyHeaders(), signal: control.signal, cache: 'no-store' });
      const count = (await answer.text()).split('#EXT-X-STREAM-INF').length - 1;
      if (answer.ok && count > stream.levels().length) more.current();
    };
    // Without the list it plays on as it is.
    look().catch(() => undefined);
    return () => control.abort();
  }, [growing, stream, url]);
}

/** The first address of a place, as long as it is that place. */
function useSteady(address: string | undefined): string | undefined {
  const [kept, setKept] = useState(address);
  const isSame = kept?.split('?')[0] === address?.split('?')[0];
  if (!isSame) setKept(address);
  return isSame ? kept : address;
}

/** Nothing moved over it for a while. */
function useIdle(box: { current: HTMLElement | null }): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    let timer: ReturnType<typeof setTimeout>;
    const wake = () => {
      setIdle(false);
      clearTimeout(timer);
      timer = setTimeout(() => setIdle(true), IDLE_MS);
    };
    const names = ['pointermove', 'pointerdown', 'keydown'] as const;
    for (const name of names) element.addEventListener(name, wake);
    return () => {
      clearTimeout(timer);
      for (const name of names) element.removeEventListener(name, wake);
    };
  }, [box]);
  return idle;
}
