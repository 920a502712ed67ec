// A form out of a JSON schema: one field for each property that a person can fill in; the rest is written as JSON.
import { t, tell } from '../text/text.ts';
import { Field } from './field.tsx';

export type Schema = {
  type?: string | readonly string[];
  enum?: readonly (string | number)[];
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  items?: Schema;
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
};
export type Values = Readonly<Record<string, unknown>>;

/** `T | null` is T that may be left out. */
export function plain(schema: Schema): Schema {
  const choices = (schema.anyOf ?? schema.oneOf)?.filter(({ type }) => type !== 'null');
  const [only] = choices ?? [];
  return choices?.length === 1 && only
    ? { ...plain(only), ...(schema.default === undefined ? {} : { default: schema.default }) }
    : schema;
}

const types = ({ type }: Schema): readonly string[] =>
  (typeof type === 'string' ? [type] : (type ?? [])).filter((one) => one !== 'null');

/** Whether a single field can hold it. */
export const isSimple = (schema: Schema): boolean => {
  const found = plain(schema);
  return (
    found.enum !== undefined ||
    (types(found).length > 0 && !types(found).some((one) => ['object', 'array'].includes(one)))
  );
};

type FieldsProps = {
  schema: Schema;
  names: readonly string[];
  values: Values;
  wrong?: Readonly<Record<string, string>>;
  onChange: (values: Values) => void;
};

export function SchemaFields({ schema, names, values, wrong = {}, onChange }: FieldsProps) {
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = values;
    onChange(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <div className="fields">
      {names.map((name) => {
        const found = schema.properties?.[name];
        if (!found) return null;
        const place = { name, isRequired: schema.required?.includes(name) ?? false, wrong: wrong[name] };
        return (
          <SchemaField
            key={name}
            place={place}
            schema={plain(found)}
            value={values[name]}
            onChange={(value) => set(name, value)}
          />
        );
      })}
    </div>
  );
}

/** In the reader's language where there are words for it, else as the API describes it; and what is allowed. */
function hintOf(name: string, { description, minimum, maximum }: Schema): string {
  const said = tell('field.hint', name);
  const range = minimum !== undefined && maximum !== undefined ? `${minimum} – ${maximum}` : undefined;
  return [said === name ? description : said, range]
    .filter((text) => text !== undefined && text.length < 90)
    .join(' · ');
}

type Place = { name: string; isRequired: boolean; wrong: string | undefined };
type OneProps = { place: Place; schema: Schema; value: unknown; onChange: (value: unknown) => void };

function SchemaField({ place: { name, isRequired, wrong }, schema, value, onChange }: OneProps) {
  const hint = hintOf(name, schema);
  const about = {
    ...{ label: tell('field', name), code: name },
    ...(hint === '' ? {} : { hint }),
    ...(wrong === undefined ? {} : { wrong }),
  };
  if (schema.enum)
    return (
      <Field {...about}>
        {(id, described) => (
          <select
            id={id}
            aria-describedby={described}
            className="select"
            required={isRequired}
            value={String(value ?? '')}
            onChange={({ target }) => onChange(target.value === '' ? undefined : target.value)}
          >
            {!isRequired && <option value="">{auto(schema)}</option>}
            {schema.enum?.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        )}
      </Field>
    );
  if (types(schema).includes('boolean'))
    return (
      <Field {...about}>
        {(id, described) => (
          <select
            id={id}
            aria-describedby={described}
            className="select"
            value={value === undefined ? '' : String(value)}
            onChange={({ target }) => onChange(target.value === '' ? undefined : target.value === 'true')}
          >
            <option value="">{auto(schema)}</option>
            <option value="true">{t('yes')}</option>
            <option value="false">{t('no')}</option>
          </select>
        )}
      </Field>
    );
  const isNumber = types(schema).every((one) => one === 'number' || one === 'integer');
  return (
    <Field {...about}>
      {(id, described) => (
        <input
          id={id}
          aria-describedby={described}
          aria-invalid={wrong !== undefined}
          className="input"
          type={isNumber ? 'number' : /secret|password|token/.test(name) ? 'password' : 'text'}
          autoComplete="off"
          required={isRequired}
          placeholder={isRequired ? '' : auto(schema)}
          step={types(schema).includes('integer') ? 1 : 'any'}
          min={schema.minimum}
          max={schema.maximum}
          value={value === undefined || value === null ? '' : String(value)}
          onChange={({ target }) =>
            onChange(target.value === '' ? undefined : isNumber ? Number(target.value) : target.value)
          }
        />
      )}
    </Field>
  );
}

const auto = ({ default: value }: Schema): string =>
  value === undefined || value === null || typeof value === 'object'
    ? t('auto')
    : t('auto.is', { value: String(value) });
