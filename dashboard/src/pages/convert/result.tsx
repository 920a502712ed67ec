// Before and after: a picture under a slider, sound as waves, films side by side; and the facts of both. Loaded when a result is looked at.
import { Maximize2, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { openFile } from '../../api/http.ts';
import { readResult, resultPath } from '../../api/operations.ts';
import type { Operation, ResultFile } from '../../api/types.ts';
import { bitrate, bytes, clock, number, t, tell } from '../../text/text.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Problem } from '../../ui/problem.tsx';
import { CompareImages } from './compare-images.tsx';
import { CompareSounds } from './compare-sounds.tsx';
import { CompareVideos } from './compare-videos.tsx';
import { keepOriginal, originalOf } from './originals.ts';

export type Side = {
  url: string;
  kind: string;
  /** bytes; null where nobody says */
  size: number | null;
  /** Its content: what blob: addresses hold, the page may show but not fetch. */
  read: () => Promise<ArrayBuffer>;
};
export type Sides = {
  /** null where the original is not at hand. */
  before: Side | null;
  after: Side;
};
const kindOf = (type: string | undefined): string => type?.split('/')[0] ?? '';

export default function Result({ operation }: { operation: Operation }) {
  const { id, input_file: input, output_file: output } = operation;
  const [original, setOriginal] = useState(() => originalOf(id));
  const [problem, setProblem] = useState<unknown>(null);
  const [after, setAfter] = useState<string | null>(null);
  const [large, setLarge] = useState(false);
  const before = useObjectUrl(original);
  useEffect(() => {
    let made: string | null = null;
    let isGone = false;
    openFile(resultPath(id)).then((url) => {
      made = url;
      if (isGone && url.startsWith('blob:')) URL.revokeObjectURL(url);
      else setAfter(url);
    }, setProblem);
    return () => {
      isGone = true;
      if (made?.startsWith('blob:')) URL.revokeObjectURL(made);
    };
  }, [id]);
  if (problem !== null) return <Problem error={problem} />;
  if (!output || after === null) return null;
  const sides: Sides = {
    before:
      before && original
        ? { url: before, kind: kindOf(input?.mime_type), size: original.size, read: () => original.arrayBuffer() }
        : null,
    after: { url: after, kind: kindOf(output.mime_type), size: output.file_size, read: () => readResult(id) },
  };
  return (
    <div className="stack result">
      {large ? null : <Preview sides={sides} />}
      {output.mime_type.startsWith('audio/') || (
        <button type="button" className="button small plain enlarge" onClick={() => setLarge(true)}>
          <Maximize2 size={14} aria-hidden /> {t('convert.large.view')}
        </button>
      )}
      {large && (
        <Dialog label={t('convert.look')} className="large" onClose={() => setLarge(false)}>
          <div className="inside">
            <div className="row between nowrap">
              <h2 className="cut">{output.file_name}</h2>
              <form method="dialog">
                <button type="submit" className="button icon" aria-label={t('act.close')}>
                  <X size={16} aria-hidden />
                </button>
              </form>
            </div>
            <Preview sides={sides} />
          </div>
        </Dialog>
      )}
      {!original && (
        <OriginalPicker
          name={input?.file_name ?? ''}
          onPick={(file) => {
            keepOriginal(id, file);
            setOriginal(file);
          }}
        />
      )}
      <Facts before={input} after={output} />
    </div>
  );
}

function Preview({ sides }: { sides: Sides }) {
  const { before, after } = sides;
  if (after.kind === 'audio') return <CompareSounds sides={sides} />;
  if (after.kind === 'image' && before?.kind !== 'video') return <CompareImages sides={sides} />;
  return <CompareVideos sides={sides} />;
}

/** The server keeps no way back to what was sent: whoever opens the page anew shows it the file again. */
function OriginalPicker({ name, onPick }: { name: string; onPick: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <p className="row small quiet">
      {t('convert.original.gone')}
      <button type="button" className="button small" onClick={() => input.current?.click()}>
        {t('convert.original.pick', { name })}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={t('convert.original.pick', { name })}
        onChange={({ target }) => {
          const file = target.files?.[0];
          if (file) onPick(file);
        }}
      />
    </p>
  );
}

function useObjectUrl(file: File | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!file) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}

const FACTS: readonly (readonly [string, (file: ResultFile) => string | null])[] = [
  ['size', ({ file_size: size }) => (size === null ? null : bytes(size))],
  ['format', ({ metadata }) => text(metadata.format)],
  ['dimensions', ({ metadata: { width, height } }) => (width && height ? `${width} × ${height}` : null)],
  ['duration', ({ metadata: { duration } }) => (typeof duration === 'number' ? clock(duration) : null)],
  ['bitrate', ({ metadata }) => (typeof metadata.bitrate === 'number' ? bitrate(metadata.bitrate) : null)],
  ['video_codec', ({ metadata }) => text(metadata.video_codec)],
  ['frame_rate', ({ metadata: { frame_rate: rate } }) => (typeof rate === 'number' ? `${number(rate)} fps` : null)],
  ['audio_codec', ({ metadata }) => text(metadata.audio_codec)],
  [
    'sample_rate',
    ({ metadata: { sample_rate: rate } }) => (typeof rate === 'number' ? `${number(rate / 1000)} kHz` : null),
  ],
  ['channels', ({ metadata }) => text(metadata.channels)],
];
const text = (value: string | number | undefined): string | null => (value === undefined ? null : String(value));

function Facts({ before, after }: { before: ResultFile | null; after: ResultFile }) {
  const rows = FACTS.map(([name, read]) => [name, before ? read(before) : null, read(after)] as const);
  return (
    <div className="scroll">
      <table className="facts-table">
        <thead>
          <tr>
            <th scope="col">
              <span className="unseen">{t('convert.fact')}</span>
            </th>
            <th scope="col">{t('convert.before')}</th>
            <th scope="col">{t('convert.after')}</th>
          </tr>
        </thead>
        <tbody>
          {rows
            .filter(([, one, other]) => one !== null || other !== null)
            .map(([name, one, other]) => (
              <tr key={name}>
                <th scope="row">{tell('fact', name)}</th>
                <td>{one ?? '–'}</td>
                <td className={one === other ? '' : 'changed'}>{other ?? '–'}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </div>
  );
}
