// Where files come in: dropped anywhere on the page, chosen, or pasted. Below it stand those that were chosen.
import { File as FileIcon, Film, Image, Music, Upload, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Definition, MediaType } from '../../api/types.ts';
import { bytes, t, tell } from '../../text/text.ts';
import { mediaTypeOf, takes } from './suits.ts';

export const MEDIA_ICONS = { video: Film, image: Image, audio: Music } as const satisfies Record<MediaType, unknown>;

type DropProps = { isSmall: boolean; onFiles: (files: readonly File[]) => void };

export function DropZone({ isSmall, onFiles }: DropProps) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const heard = useRef(onFiles);
  heard.current = onFiles;
  useEffect(() => {
    // Entering a child is a leaving of its parent: only what leaves the window ends it.
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const enter = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      heard.current([...(event.dataTransfer?.files ?? [])]);
    };
    const paste = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) heard.current(files);
    };
    addEventListener('dragover', enter);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    addEventListener('paste', paste);
    return () => {
      removeEventListener('dragover', enter);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
      removeEventListener('paste', paste);
    };
  }, []);
  return (
    <div className={`drop convert-drop ${over ? 'over' : ''} ${isSmall ? 'is-small' : ''}`}>
      {!isSmall && <Upload size={26} aria-hidden />}
      <strong>{t(over ? 'convert.drop.now' : 'convert.drop')}</strong>
      {!isSmall && <span className="quiet small">{t('convert.drop.about')}</span>}
      <button type="button" className="button" onClick={() => input.current?.click()}>
        {t(isSmall ? 'convert.more' : 'convert.choose')}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('convert.choose')}
        accept="video/*,image/*,audio/*,.mkv,.flv,.wmv,.ts,.mxf,.heic,.amr,.ac3,.mka"
        onChange={({ target }) => {
          onFiles([...(target.files ?? [])]);
          // The same file may be chosen again.
          target.value = '';
        }}
      />
    </div>
  );
}

type ChosenProps = { files: readonly File[]; definition: Definition | null; onRemove: (file: File) => void };

export function ChosenFiles({ files, definition, onRemove }: ChosenProps) {
  return (
    <ul className="chosen" aria-label={t('convert.chosen')}>
      {files.map((file) => {
        const problem = definition ? problemOf(file, definition) : null;
        return (
          <li key={`${file.name} ${file.size} ${file.lastModified}`} className={problem ? 'unfit' : ''}>
            <Miniature file={file} />
            <span className="grow">
              <span className="cut name" title={file.name}>
                {file.name}
              </span>
              <span className={`small ${problem ? 'bad-text' : 'quiet'}`}>{problem ?? bytes(file.size)}</span>
            </span>
            <button
              type="button"
              className="button plain icon small"
              aria-label={t('convert.remove', { name: file.name })}
              onClick={() => onRemove(file)}
            >
              <X size={15} aria-hidden />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

export function problemOf(file: File, definition: Definition): string | null {
  if (file.size === 0) return t('convert.empty');
  if (!takes(definition, file)) return t('convert.unfit', { operation: tell('operation', definition.name) });
  if (file.size > definition.max_file_size) return t('convert.large', { most: bytes(definition.max_file_size) });
  return null;
}

/** A small picture of a picture; of all else its kind. */
export function Miniature({ file }: { file: File }) {
  const [address, setAddress] = useState<string | null>(null);
  const type = mediaTypeOf(file);
  useEffect(() => {
    if (type !== 'image') return;
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file, type]);
  const Icon = type ? MEDIA_ICONS[type] : FileIcon;
  return (
    <span className="miniature" aria-hidden>
      {/* A format the browser cannot show stays an icon. */}
      {address ? <img src={address} alt="" onError={() => setAddress(null)} /> : <Icon size={17} />}
    </span>
  );
}
