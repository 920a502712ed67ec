// Sends a new job with its file, and the same one again without making a second.
import { useRef } from 'react';
import { ApiError, keyHeaders, readProblem } from '../../api/http.ts';
import type { AcceptedJob } from '../../api/types.ts';
import { t } from '../../text/text.ts';
import type { Spec } from './spec.ts';

/** Sent again after a line that broke, the same job is not made twice: the server knows it by its key. */
export function useRepeatKey(): (spec: Spec, file: File | null) => Record<string, string> {
  const last = useRef({ of: '', file: null as File | null, key: '' });
  return (spec, file) => {
    const of = JSON.stringify(spec);
    if (last.current.of !== of || last.current.file !== file) {
      // Not randomUUID: over plain http in a local network there is none.
      const key = [...crypto.getRandomValues(new Uint32Array(4))].join('-');
      last.current = { of, file, key };
    }
    return { 'Idempotency-Key': last.current.key };
  };
}

type Sending = {
  spec: Spec;
  file: File | null;
  headers: Readonly<Record<string, string>>;
  onProgress: (share: number) => void;
};

/** XMLHttpRequest, because fetch tells nothing of how far an upload is. */
export function sendFile({ spec, file, headers, onProgress }: Sending): Promise<AcceptedJob> {
  if (!file) throw new ApiError(0, { message: t('newjob.file.first') });
  const form = new FormData();
  form.append('spec', JSON.stringify(spec));
  form.append('file', file, file.name);
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open('POST', '/jobs');
    for (const [name, value] of Object.entries({ ...keyHeaders(), ...headers })) sending.setRequestHeader(name, value);
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    sending.onerror = () => reject(new ApiError(0, { message: t('newjob.broke'), code: 'unreachable' }));
    sending.onload = () => {
      if (sending.status === 202) resolve(JSON.parse(sending.responseText) as AcceptedJob);
      else reject(readProblem(sending.status, sending.responseText, sending.statusText));
    };
    sending.send(form);
  });
}
