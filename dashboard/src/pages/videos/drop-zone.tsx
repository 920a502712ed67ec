// Where files are dropped, and how far each is.
import { useQueryClient } from '@tanstack/react-query';
import { Pause, Play, RotateCcw, UploadCloud, X } from 'lucide-react';
import { useRef, useState } from 'react';
import { Link } from '../../router.tsx';
import { bytes, clock, number, t } from '../../text/text.ts';
import { Progress } from '../../ui/parts.tsx';
import { toastError } from '../../ui/toasts.tsx';
import {
  cancelUpload,
  forgetUnfinished,
  pauseUpload,
  readUnfinished,
  retryUpload,
  sendFiles,
  type Upload,
  useUploads,
} from './uploads.ts';

export function DropZone() {
  const client = useQueryClient();
  const uploads = useUploads();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [unfinished, setUnfinished] = useState(readUnfinished);
  const send = (files: readonly File[]) => {
    sendFiles(files, () => void client.invalidateQueries({ queryKey: ['videos'] })).catch(toastError);
  };
  const open = unfinished.filter(({ name }) => !uploads.some((one) => one.name === name));
  return (
    <section
      className={`drop ${over ? 'over' : ''}`}
      aria-label={t('videos.upload')}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        send([...event.dataTransfer.files]);
      }}
    >
      <UploadCloud size={26} color="var(--accent)" aria-hidden />
      <h2>{t('drop.title')}</h2>
      <p className="quiet small">{t('drop.about')}</p>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept="video/*,audio/*,.mkv,.mxf,.ts,.flv"
        aria-label={t('drop.choose')}
        onChange={({ target }) => {
          const files = [...(target.files ?? [])];
          target.value = '';
          send(files);
        }}
      />
      <button type="button" className="button primary" onClick={() => input.current?.click()}>
        {t('drop.choose')}
      </button>
      {open.length > 0 && (
        <ul className="stack small" style={{ inlineSize: '100%' }}>
          {open.map(({ name, progress }) => (
            <li key={name} className="row" style={{ justifyContent: 'center' }}>
              <span>{t('drop.unfinished', { name, progress: Math.floor(progress) })}</span>
              <button
                type="button"
                className="button small"
                onClick={() => {
                  forgetUnfinished(name);
                  setUnfinished(readUnfinished());
                }}
              >
                {t('drop.forget')}
              </button>
            </li>
          ))}
        </ul>
      )}
      {uploads.length > 0 && (
        <ul className="stack" style={{ inlineSize: '100%', textAlign: 'start' }} aria-label={t('drop.list')}>
          {uploads.map((upload) => (
            <Row key={upload.id} upload={upload} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** How fast it goes and what is left of it. */
const saySpeed = ({ size, progress, rate, state }: Upload): string =>
  state === 'sending' && rate !== null && rate > 0
    ? ` · ${bytes(rate)}/s · ${t('job.left', { time: clock((size * (1 - progress / 100)) / rate) })}`
    : '';

function Row({ upload }: { upload: Upload }) {
  const { id, name, size, progress, state, error, videoId } = upload;
  return (
    <li className="stack" style={{ gap: '0.3rem' }}>
      <div className="row between nowrap">
        <span className="cut">{videoId ? <Link to={`/videos/${videoId}`}>{name}</Link> : name}</span>
        <span className="row nowrap">
          {state === 'done' && <span className="small quiet">{t('drop.done')}</span>}
          {(state === 'sending' || state === 'paused' || state === 'waiting') && (
            <button
              type="button"
              className="button plain icon small"
              aria-label={t(state === 'paused' ? 'drop.resume' : 'drop.pause', { name })}
              onClick={() => void pauseUpload(id)}
            >
              {state === 'paused' ? <Play size={15} aria-hidden /> : <Pause size={15} aria-hidden />}
            </button>
          )}
          {state === 'failed' && (
            <button
              type="button"
              className="button plain icon small"
              aria-label={t('drop.retry', { name })}
              onClick={() => void retryUpload(id)}
            >
              <RotateCcw size={15} aria-hidden />
            </button>
          )}
          <button
            type="button"
            className="button plain icon small"
            aria-label={t('drop.cancel', { name })}
            onClick={() => void cancelUpload(id)}
          >
            <X size={15} aria-hidden />
          </button>
        </span>
      </div>
      {state !== 'done' && (
        <>
          <Progress value={progress} label={t('drop.progress', { name })} />
          <span className="small quiet number">
            {number(Math.floor(progress))} % · {bytes(size)}
            {saySpeed(upload)}
          </span>
        </>
      )}
      {error !== null && (
        <span className="small bad-text" role="alert">
          {error}
        </span>
      )}
    </li>
  );
}
