// Plays an HLS output, also while it is being made; hls.js is loaded only when something is to be played.
import { useEffect, useRef, useState } from 'react';
import { keyHeaders } from './api.ts';

/** A stream that has no segment yet is asked for again. */
const AGAIN_MS = 1500;

export function Player({ url, poster, growing }: { url: string; poster: string | undefined; growing: boolean }) {
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'waiting' | 'ready' | string>('waiting');
  useEffect(() => {
    const control = new AbortController();
    let stop: () => void = () => undefined;
    const begin = async () => {
      while (!control.signal.aborted) {
        const { status } = await fetch(url, { method: 'HEAD', headers: keyHeaders(), signal: control.signal });
        if (status === 200) break;
        if (status !== 404) throw new Error(`The server answered ${status}.`);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
      if (control.signal.aborted || !video.current) return;
      stop = await attach(video.current, url, (message) => setState(message));
      if (control.signal.aborted) stop();
      else setState('ready');
    };
    begin().catch((error: unknown) => {
      if (!control.signal.aborted) setState(error instanceof Error ? error.message : String(error));
    });
    return () => {
      control.abort();
      stop();
    };
  }, [url]);
  return (
    <div className="player">
      {/* biome-ignore lint/a11y/useMediaCaption: text tracks come with the stream itself */}
      <video ref={video} controls playsInline poster={poster} aria-label="Preview" />
      {state === 'waiting' && (
        <p className="hint" role="status">
          The first seconds are being made…
        </p>
      )}
      {state === 'ready' && growing && <p className="hint">Still being made: what is there can be watched already.</p>}
      {state !== 'waiting' && state !== 'ready' && (
        <p className="problem" role="alert">
          {state}
        </p>
      )}
    </div>
  );
}

async function attach(video: HTMLVideoElement, url: string, onProblem: (message: string) => void): Promise<() => void> {
  const { default: Hls } = await import('hls.js');
  if (!Hls.isSupported()) {
    video.src = url;
    return () => video.removeAttribute('src');
  }
  const hls = new Hls({
    // A growing stream is watched from its beginning, not from its end.
    startPosition: 0,
    xhrSetup: (request) => {
      for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
    },
  });
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
    else onProblem(`This can't be played: ${data.details}.`);
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => hls.destroy();
}
