// A file on its way to the server: how much of it is there, what holds it back, what failed. Used by operation-list.tsx.
import { useQueryClient } from '@tanstack/react-query';
import { RotateCcw, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { bytes, clock, t, tell } from '../../text/text.ts';
import { Progress, Status } from '../../ui/parts.tsx';
import { Problem } from '../../ui/problem.tsx';
import { Miniature } from './drop-zone.tsx';
import { type Sent, sendAgain, stopSending } from './sending.ts';

export function SendingRow({ item }: { item: Sent }) {
  const client = useQueryClient();
  const { id, file, operation, state, share, error, until } = item;
  return (
    <li data-state={state}>
      <div className="row nowrap">
        <Miniature file={file} />
        <span className="grow">
          <strong className="cut name">{file.name}</strong>
          <span className="small quiet">{tell('operation', operation)}</span>
        </span>
        <Status of={state === 'sending' ? 'uploading' : state === 'failed' ? 'failed' : 'queued'} />
        {state === 'failed' && (
          <button type="button" className="button small" onClick={() => sendAgain(client, id)}>
            <RotateCcw size={14} aria-hidden /> {t('act.again')}
          </button>
        )}
        <button
          type="button"
          className="button plain icon small"
          aria-label={t('convert.stop', { name: file.name })}
          onClick={() => stopSending(client, id)}
        >
          <X size={15} aria-hidden />
        </button>
      </div>
      {state === 'sending' && (
        <>
          <Progress value={share * 100} label={t('convert.upload.of', { name: file.name })} />
          <span className="small quiet number">
            {share < 1
              ? t('convert.upload', { sent: bytes(share * file.size), size: bytes(file.size) })
              : t('convert.checked')}
          </span>
        </>
      )}
      {state === 'waiting' && <span className="small quiet">{t('convert.upload.waits')}</span>}
      {state === 'delayed' && <Delay until={until} message={error?.message ?? ''} />}
      {state === 'failed' && error && <Problem error={error} />}
    </li>
  );
}

/** Too many in too short a time: it goes on by itself. */
function Delay({ until, message }: { until: number; message: string }) {
  const [left, setLeft] = useState(until - Date.now());
  useEffect(() => {
    const timer = setInterval(() => setLeft(until - Date.now()), 1000);
    return () => clearInterval(timer);
  }, [until]);
  return (
    <div className="notice wait">
      <div>
        <strong>{t('convert.delayed', { time: clock(left / 1000) })}</strong>
        <span className="small">{message}</span>
      </div>
    </div>
  );
}
