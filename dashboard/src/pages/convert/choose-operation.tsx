// Which operation: cards by kind of media, those that take the chosen files first.
import { useState } from 'react';
import type { Definition, MediaType } from '../../api/types.ts';
import { number, t, tell } from '../../text/text.ts';
import { SegmentedControl } from '../../ui/field.tsx';
import { MEDIA_ICONS } from './drop-zone.tsx';
import { takes } from './suits.ts';

const TYPES = ['video', 'image', 'audio'] as const satisfies readonly MediaType[];

type ChooseProps = {
  definitions: readonly Definition[];
  files: readonly File[];
  /** What most of the files are; null before there are any. */
  type: MediaType | null;
  chosen: string | null;
  onChoose: (name: string) => void;
};

export function ChooseOperation({ definitions, files, type, chosen, onChoose }: ChooseProps) {
  const [picked, setPicked] = useState<{ of: MediaType | null; type: MediaType } | null>(null);
  // A choice of one's own holds until files of another kind come.
  const own = definitions.find(({ name }) => name === chosen)?.media_type;
  const shown = picked && picked.of === type ? picked.type : (type ?? own ?? 'video');
  const fitting = (definition: Definition) => files.filter((file) => takes(definition, file)).length;
  // Sound is taken out of films as well: an operation stands wherever its files may be.
  const listed = definitions.filter(
    (one) => one.media_type === shown || (shown === type && files.length > 0 && fitting(one) > 0),
  );
  return (
    <fieldset className="stack">
      <legend className="step">{t('convert.operation')}</legend>
      <SegmentedControl
        label={t('convert.kind')}
        value={shown}
        options={TYPES.map((one) => [one, tell('media', one)] as const)}
        onChange={(next) => setPicked({ of: type, type: next })}
      />
      <div className="choices">
        {listed.map((definition) => {
          const { name, media_type: kind, description, output_formats: formats } = definition;
          const count = fitting(definition);
          const Icon = MEDIA_ICONS[kind];
          const isUnfit = files.length > 0 && count === 0;
          return (
            <button
              key={name}
              type="button"
              className="choice operation"
              aria-pressed={chosen === name}
              disabled={isUnfit}
              onClick={() => onChoose(name)}
            >
              <span className="row nowrap">
                <Icon size={16} aria-hidden />
                <strong>{tell('operation', name)}</strong>
              </span>
              <span className="small quiet">{describe(name, description)}</span>
              <span className="small formats">
                {isUnfit
                  ? t('convert.takes.none')
                  : files.length > count && count > 0
                    ? t('convert.takes.some', { count: number(count), all: number(files.length) })
                    : formats.join(' · ')}
              </span>
            </button>
          );
        })}
      </div>
    </fieldset>
  );
}

/** The server's own sentence where there is none in the reader's language. */
export function describe(name: string, description: string): string {
  const told = tell('operation.about', name);
  return told === name ? description : told;
}
