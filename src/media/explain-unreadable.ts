// Says why a file that FFmpeg refuses cannot be read, in words that help its sender. Used by probe.ts.
import { PlatformError } from '#domain/error.ts';
import { inspectMp4, type Mp4Facts } from '#media/mp4-boxes.ts';
import type { ProbeLog } from '#media/probe-log.ts';
import { refuseScrambled } from '#media/scrambled.ts';
import { type Content, STILL_FORMATS } from '#media/sniff.ts';
import type { SourceBytes } from '#media/source-bytes.ts';

export type Unreadable = { readonly content: Content; readonly log: ProbeLog; readonly bytes: SourceBytes };

/** @throws PlatformError `encrypted_media` where it is scrambled */
export async function explainUnreadable({ content, log, bytes }: Unreadable): Promise<PlatformError> {
  await refuseScrambled(content, bytes);
  const [said] = log.complaints;
  if (log.refusedCodecs.size > 0) {
    return new PlatformError(
      'unsupported_media',
      `The file holds a codec that is not accepted as a source: ${[...log.refusedCodecs].join(', ')}. Convert it before, for example to H.264 or ProRes, FLAC or WAV.`,
    );
  }
  if (content.kind === 'media' && content.what === 'MP4') return explainMp4(await inspectMp4(bytes), said);
  if (content.kind === 'media')
    return new PlatformError(
      'corrupt_media',
      `The file begins like ${content.what}, but nothing in it can be read${quote(said)}.`,
    );
  const [refused] = log.refusedFormats;
  const picture = /^(ico|\w+(?=_pipe$))/.exec(refused ?? '')?.[0];
  if (picture !== undefined)
    return new PlatformError(
      'unsupported_media',
      `The file is a picture of a kind that is not accepted (${picture}); accepted are ${STILL_FORMATS.join(', ')} and gif.`,
    );
  if (refused !== undefined)
    return new PlatformError('not_media', `The file looks like "${refused}", which is not accepted as a source.`);
  return new PlatformError('not_media', 'The file is not video, audio or a picture: nothing in it was recognised.');
}

function explainMp4(facts: Mp4Facts, said: string | undefined): PlatformError {
  const missing = facts.missingBytes > 0 ? ` ${facts.missingBytes} bytes that the file announces are not there.` : '';
  if (facts.isEncrypted)
    return new PlatformError(
      'encrypted_media',
      'The media is encrypted (DRM): its pictures and sound cannot be read without a key.',
    );
  if (facts.hasIndex)
    return new PlatformError('corrupt_media', `The index (moov) of the MP4 is damaged${quote(said)}.${missing}`);
  if (facts.hasFragments)
    return new PlatformError(
      'corrupt_media',
      'The file is a piece of a fragmented MP4 without its beginning (moov): send the whole file.',
    );
  if (facts.missingBytes > 0)
    return new PlatformError('corrupt_media', `The upload was cut: the index (moov) is missing.${missing}`);
  return new PlatformError(
    'corrupt_media',
    'The index (moov) of the MP4 is missing or damaged: the recording was not finished, or the upload was cut.',
  );
}

function quote(said: string | undefined): string {
  return said === undefined ? '' : ` (FFmpeg: ${said.replace(/^(\[[^\]]*\] )*/, '')})`;
}
