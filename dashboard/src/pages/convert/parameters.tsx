// The parameters of an operation as its definition describes them: sliders for ranges, choices, switches, colours, times.
import { RotateCcw } from 'lucide-react';
import { useId } from 'react';
import type { FieldError } from '../../api/http.ts';
import type { Definition, Parameter } from '../../api/types.ts';
import { number, t, tell } from '../../text/text.ts';
import { Field } from '../../ui/field.tsx';

export type Values = Readonly<Record<string, string | number | boolean>>;
/** Steps of a slider above which nobody hits the wanted one. */
const FINEST = 512;
/** Choices that are all shown. */
const MOST_CHIPS = 8;

type FormProps = {
  definition: Definition;
  values: Values;
  errors: readonly FieldError[];
  onChange: (values: Values) => void;
};

/** What most people come for; the rest is one click away. */
const FIRST = [
  'output_format',
  'quality',
  'width',
  'height',
  'start',
  'end',
  'duration',
  'time',
  'target_size_mb',
  'target_size_kb',
  'bitrate',
  'target_lufs',
  'fps',
];

export function Parameters({ definition: { parameters }, values, errors, onChange }: FormProps) {
  const names = Object.keys(parameters).sort(
    (a, b) => Number(parameters[b]?.required) - Number(parameters[a]?.required),
  );
  const set = (name: string, value: string | number | boolean | null) => {
    const { [name]: _, ...rest } = values;
    onChange(value === null || value === '' ? rest : { ...rest, [name]: value });
  };
  const wrongOf = (name: string) => errors.find(({ path }) => path === `parameters.${name}`)?.message;
  const draw = (name: string) => {
    const parameter = parameters[name];
    if (!parameter) return null;
    const given = values[name];
    const wrong = wrongOf(name) ?? (given === undefined ? undefined : outside(parameter, given));
    const props = { name, parameter, value: given, wrong, onChange: (value: One) => set(name, value) };
    return <ParameterField key={name} {...props} />;
  };
  const first = names.filter((name) => parameters[name]?.required || FIRST.includes(name));
  const others = names.filter((name) => !first.includes(name));
  const isUsed = others.some((name) => values[name] !== undefined || wrongOf(name) !== undefined);
  return (
    <>
      <div className="fields parameters">{first.map(draw)}</div>
      {others.length > 0 && (
        <details className="options" open={isUsed || undefined}>
          <summary>{t('convert.options')}</summary>
          <div className="fields parameters">{others.map(draw)}</div>
        </details>
      )}
    </>
  );
}

type One = string | number | boolean | null;
type FieldProps = {
  name: string;
  parameter: Parameter;
  value: string | number | boolean | undefined;
  wrong: string | undefined;
  onChange: (value: One) => void;
};

function parameterName(name: string): string {
  const told = tell('parameter', name);
  if (told !== name) return told;
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
const choiceName = (choice: string | number): string =>
  typeof choice === 'number' ? number(choice) : tell('choice', choice);

/** What a definition says is needed and is not there. */
export function missing({ parameters }: Definition, values: Values): FieldError[] {
  return Object.entries(parameters).flatMap(([name, { required }]) =>
    required && values[name] === undefined ? [{ path: `parameters.${name}`, message: t('convert.needed') }] : [],
  );
}

function outside({ type, min, max }: Parameter, value: string | number | boolean): string | undefined {
  if (typeof value !== 'number') return undefined;
  const per = type === 'bitrate' ? 1000 : 1;
  if (typeof min === 'number' && value < min) return t('convert.least', { least: number(min / per) });
  if (typeof max === 'number' && value > max) return t('convert.most', { most: number(max / per) });
  return undefined;
}

function ParameterField(props: FieldProps) {
  const { parameter, name, value, onChange } = props;
  const about = describeParameter(name, parameter.description);
  if (parameter.type === 'boolean') {
    const checked = (value ?? parameter.default) === true;
    return (
      <div className="field switch">
        <label className="check">
          <input type="checkbox" checked={checked} onChange={({ target }) => onChange(target.checked)} />
          {parameterName(name)}
        </label>
        <span className={props.wrong ? 'wrong' : 'hint'}>{props.wrong ?? about}</span>
      </div>
    );
  }
  if (parameter.choices && parameter.choices.length > 0) return <Choices {...props} about={about} />;
  if (parameter.type === 'color') return <Colour {...props} about={about} />;
  if (['integer', 'number', 'bitrate'].includes(parameter.type)) return <Amount {...props} about={about} />;
  return (
    <Field label={labelOf(name, parameter)} hint={about} wrong={props.wrong}>
      {(id, described) => (
        <input
          id={id}
          className="input"
          value={value === undefined ? '' : String(value)}
          placeholder={parameter.default == null ? t('convert.auto') : String(parameter.default)}
          aria-describedby={described}
          aria-invalid={props.wrong !== undefined}
          aria-required={parameter.required}
          inputMode={parameter.type === 'time' ? 'decimal' : 'text'}
          onChange={({ target }) => onChange(target.value.trim())}
        />
      )}
    </Field>
  );
}

type AboutProps = FieldProps & { about: string };
const labelOf = (name: string, { required }: Parameter): string =>
  required ? `${parameterName(name)} *` : parameterName(name);

function Choices({ name, parameter, value, wrong, about, onChange }: AboutProps) {
  const choices = parameter.choices ?? [];
  const id = useId();
  const now = value ?? parameter.default ?? '';
  // Of those that may be left out, leaving out is a choice like any other.
  const isFree = !parameter.required && parameter.default == null;
  if (choices.length > MOST_CHIPS) {
    return (
      <Field label={labelOf(name, parameter)} hint={about} wrong={wrong}>
        {(field, described) => (
          <select
            id={field}
            className="select"
            value={String(now)}
            aria-describedby={described}
            aria-invalid={wrong !== undefined}
            onChange={({ target }) => onChange(choices.find((one) => String(one) === target.value) ?? null)}
          >
            {isFree && <option value="">{t('convert.auto')}</option>}
            {parameter.required && now === '' && <option value="">{t('convert.pick')}</option>}
            {choices.map((choice) => (
              <option key={choice} value={String(choice)}>
                {choiceName(choice)}
              </option>
            ))}
          </select>
        )}
      </Field>
    );
  }
  const options: [string, string, One][] = [
    ...(isFree ? [['', t('convert.auto'), null] as [string, string, One]] : []),
    ...choices.map((choice): [string, string, One] => [String(choice), choiceName(choice), choice]),
  ];
  return (
    <fieldset className="field" aria-describedby={`${id}-hint`} aria-invalid={wrong !== undefined}>
      <legend>{labelOf(name, parameter)}</legend>
      <div className="chips">
        {options.map(([key, text, choice]) => (
          <label key={key} className="chip">
            <input type="radio" name={id} checked={String(now) === key} onChange={() => onChange(choice)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
      <span id={`${id}-hint`} className={wrong ? 'wrong' : 'hint'}>
        {wrong ?? about}
      </span>
    </fieldset>
  );
}

function Colour({ name, parameter, value, wrong, about, onChange }: AboutProps) {
  const now = String(value ?? parameter.default ?? '#ffffff');
  return (
    <Field label={labelOf(name, parameter)} hint={about} wrong={wrong}>
      {(id, described) => (
        <div className="row nowrap">
          <input
            id={id}
            type="color"
            className="colour"
            value={/^#[0-9a-f]{6}$/i.test(now) ? now : '#ffffff'}
            aria-describedby={described}
            onChange={({ target }) => onChange(target.value)}
          />
          <input
            className="input"
            aria-label={t('convert.colour.code', { name: parameterName(name) })}
            aria-invalid={wrong !== undefined}
            value={now}
            onChange={({ target }) => onChange(target.value.trim())}
          />
        </div>
      )}
    </Field>
  );
}

/** A number with a slider where its range can be slid over; bit rates are shown in kilobits. */
function Amount({ name, parameter, value, wrong, about, onChange }: AboutProps) {
  const per = parameter.type === 'bitrate' ? 1000 : 1;
  const scale = (one: number | null | undefined) => (typeof one === 'number' ? one / per : null);
  const [min, max] = [scale(parameter.min), scale(parameter.max)];
  const preset = typeof parameter.default === 'number' ? parameter.default / per : null;
  const step = parameter.type === 'number' ? 0.1 : 1;
  const now = typeof value === 'number' ? value / per : null;
  const isSlid = min !== null && max !== null && max - min <= FINEST;
  const set = (next: number | null) => onChange(next === null ? null : Math.round(next * per * 1000) / 1000);
  const unit = parameter.type === 'bitrate' ? ' (kb/s)' : '';
  return (
    <Field label={labelOf(name, parameter) + unit} hint={about} wrong={wrong}>
      {(id, described) => (
        <div className="amount">
          {isSlid && (
            <input
              type="range"
              className={now === null && preset === null ? 'unset' : ''}
              min={min}
              max={max}
              step={parameter.type === 'number' && max - min > 20 ? 1 : step}
              value={now ?? preset ?? (min + max) / 2}
              aria-label={parameterName(name)}
              aria-valuetext={now === null && preset === null ? t('convert.auto') : number(now ?? preset ?? 0)}
              onChange={({ target }) => set(Number(target.value))}
            />
          )}
          <input
            id={id}
            type="number"
            className="input"
            min={min ?? undefined}
            max={max ?? undefined}
            step={parameter.type === 'number' ? 'any' : step}
            value={now ?? preset ?? ''}
            placeholder={t('convert.auto.short')}
            aria-describedby={described}
            aria-invalid={wrong !== undefined}
            onChange={({ target }) => set(target.value === '' ? null : Number(target.value))}
          />
          {now !== null && (
            <button
              type="button"
              className="button plain icon small"
              aria-label={t('convert.reset', { name: parameterName(name) })}
              onClick={() => set(null)}
            >
              <RotateCcw size={14} aria-hidden />
            </button>
          )}
        </div>
      )}
    </Field>
  );
}

/** The server's own sentence where there is none in the reader's language. */
function describeParameter(name: string, description: string): string {
  const told = tell('parameter.about', name);
  return told === name ? description : told;
}
