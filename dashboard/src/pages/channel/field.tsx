// One field of a channel: text, address, number, switch, choice, network interface, moment. Used by the editor.
import { type ReactNode, useId } from 'react';
import { useInterfaces } from '../../api/channels.ts';
import { t, tell } from '../../text/text.ts';
import { Field } from '../../ui/field.tsx';
import type { ChannelField, Draft } from './fields.ts';

type GroupProps = {
  fields: readonly ChannelField[];
  draft: Draft;
  /** Before the names of errors: `abr.0.` */
  at?: string;
  /** What stands where nothing was chosen: of a profile, what the channel has. */
  inherited?: Draft;
  errors: ReadonlyMap<string, string>;
  onChange: (name: string, value: unknown) => void;
};

export function Fields({ fields, draft, at = '', inherited, errors, onChange }: GroupProps) {
  // Of a profile what it inherits decides what matters.
  const seen = inherited ? { ...inherited, ...withoutEmpty(draft) } : draft;
  return (
    <div className="fields">
      {fields
        .filter(({ when }) => when === undefined || when(seen))
        .map((field) => (
          <OneField
            key={field.name}
            field={field}
            value={draft[field.name]}
            inherited={inherited?.[field.name]}
            isInherited={inherited !== undefined}
            wrong={errors.get(at + field.name)}
            hint={hintOf(field.name, seen)}
            onChange={(value) => onChange(field.name, value)}
          />
        ))}
    </div>
  );
}

const withoutEmpty = (draft: Draft): Draft =>
  Object.fromEntries(
    Object.entries(draft).filter(([, value]) => value !== null && value !== undefined && value !== ''),
  );

export const fieldName = (name: string): string => tell('channel.field', name);
function hintOf(name: string, draft: Draft): string | undefined {
  // A profile has a name too, and that stands in no address.
  if (name === 'name') return undefined;
  const kind = name.startsWith('input') ? draft.input_type : draft.output_type;
  const words = [`${name}.${String(kind)}`, name];
  for (const word of words) {
    const told = tell('channel.hint', word);
    if (told !== word) return told;
  }
  return undefined;
}

type OneProps = {
  field: ChannelField;
  value: unknown;
  inherited: unknown;
  isInherited: boolean;
  wrong: string | undefined;
  hint: string | undefined;
  onChange: (value: unknown) => void;
};

const text = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

function OneField(props: OneProps) {
  const { field, value, wrong, hint, onChange } = props;
  if (field.kind === 'switch') {
    return (
      <div className="field switch">
        <label className="check">
          <input
            type="checkbox"
            data-field={field.name}
            checked={value === true}
            onChange={({ target }) => onChange(target.checked)}
          />
          {fieldName(field.name)}
        </label>
        {(wrong ?? hint) && <span className={wrong ? 'wrong' : 'hint'}>{wrong ?? hint}</span>}
      </div>
    );
  }
  const label = `${fieldName(field.name)}${field.unit ? ` (${field.unit})` : ''}${field.required ? ' *' : ''}`;
  const isHidden = field.kind === 'address' && text(value).includes('***');
  const shown = (
    <Field label={label} hint={isHidden ? t('channel.secret') : hint} wrong={wrong}>
      {(id, described) => {
        const common = {
          id,
          'data-field': field.name,
          'aria-describedby': described,
          'aria-invalid': wrong !== undefined,
        } as const;
        return control({ ...props, common });
      }}
    </Field>
  );
  return field.kind === 'address' ? <div className="wide">{shown}</div> : shown;
}

type Common = { id: string; 'data-field': string; 'aria-describedby': string | undefined; 'aria-invalid': boolean };

function control(props: OneProps & { common: Common }): ReactNode {
  const { field, value, inherited, isInherited, common, onChange } = props;
  switch (field.kind) {
    case 'choice':
      return <Choice {...props} />;
    case 'network':
      return <Network {...props} />;
    case 'zone':
      return <Zone {...props} />;
    case 'number':
      return (
        <input
          {...common}
          className="input"
          type="number"
          min={field.min}
          max={field.max}
          step={field.step ?? 'any'}
          value={text(value)}
          placeholder={isInherited ? text(inherited) : (field.placeholder ?? t('convert.auto'))}
          onChange={({ target }) => onChange(target.value === '' ? null : Number(target.value))}
        />
      );
    case 'time':
      return (
        <input
          {...common}
          className="input"
          type="datetime-local"
          value={toLocal(text(value))}
          onChange={({ target }) => onChange(target.value === '' ? null : new Date(target.value).toISOString())}
        />
      );
    default:
      return (
        <input
          {...common}
          className="input"
          // Addresses, groups and patterns are written from left to right in every language.
          dir={field.name === 'name' ? 'auto' : 'ltr'}
          value={text(value)}
          placeholder={isInherited ? text(inherited) : field.placeholder}
          spellCheck={false}
          autoComplete="off"
          required={field.required}
          onChange={({ target }) => onChange(target.value)}
        />
      );
  }
}

function Choice({ field, value, inherited, isInherited, common, onChange }: OneProps & { common: Common }) {
  const now = text(value);
  const choices = field.choices ?? [];
  // A value of another client stands in the list too.
  const all = now === '' || choices.includes(now) ? choices : [...choices, now];
  const isFree = isInherited || field.name === 'resolution';
  return (
    <select
      {...common}
      className="select"
      value={now}
      onChange={({ target }) => onChange(target.value === '' ? null : target.value)}
    >
      {isFree && (
        <option value="">
          {isInherited
            ? t('channel.inherited', { value: nameOf(field.name, text(inherited)) })
            : t('channel.resolution.source')}
        </option>
      )}
      {all.map((choice) => (
        <option key={choice} value={choice}>
          {nameOf(field.name, choice)}
        </option>
      ))}
    </select>
  );
}
const nameOf = (field: string, choice: string): string =>
  choice === '' ? t('channel.resolution.source') : tell(`channel.${field}`, choice);

function Network({ value, common, onChange }: OneProps & { common: Common }) {
  const { data = [] } = useInterfaces();
  const now = text(value);
  const isKnown = data.some(({ name, ip }) => name === now || ip === now);
  return (
    <select {...common} className="select" value={now} onChange={({ target }) => onChange(target.value || null)}>
      <option value="">{t('channel.network.any')}</option>
      {data.map(({ name, ip, is_up: isUp, multicast }) => (
        <option key={`${name} ${ip}`} value={ip} disabled={!isUp}>
          {name} · {ip}
          {!isUp && ` (${t('channel.network.down')})`}
          {isUp && !multicast && ` (${t('channel.network.unicast')})`}
        </option>
      ))}
      {now !== '' && !isKnown && <option value={now}>{now}</option>}
      {isKnown && !data.some(({ ip }) => ip === now) && <option value={now}>{now}</option>}
    </select>
  );
}

function Zone({ field, value, common, onChange }: OneProps & { common: Common }) {
  const list = useId();
  return (
    <>
      <input
        {...common}
        className="input"
        dir="ltr"
        list={list}
        value={text(value)}
        placeholder={field.placeholder}
        onChange={({ target }) => onChange(target.value)}
      />
      <datalist id={list}>
        {Intl.supportedValuesOf('timeZone').map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}

/** `2026-01-01T10:00` in the reader's own time. */
function toLocal(iso: string): string {
  if (iso === '') return '';
  const date = new Date(iso);
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
