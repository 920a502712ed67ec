// What is typed and chosen in: a field with its label, one of a few choices, a search.
import { Search } from 'lucide-react';
import { type ReactNode, useEffect, useId, useState } from 'react';

type FieldProps = {
  label: string;
  /** Its name in the API, beside the label. */
  code?: string;
  hint?: ReactNode;
  wrong?: string | undefined;
  children: (id: string, described: string | undefined) => ReactNode;
};
export function Field({ label, code, hint, wrong, children }: FieldProps) {
  const id = useId();
  const described = hint || wrong ? `${id}-hint` : undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {code !== undefined && code !== label && <code>{code}</code>}
      </label>
      {children(id, described)}
      {(hint || wrong) && (
        <span id={described} className={wrong ? 'wrong' : 'hint'}>
          {wrong ?? hint}
        </span>
      )}
    </div>
  );
}

type SegmentedProps<T extends string> = {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
};
export function SegmentedControl<T extends string>({ label, value, options, onChange }: SegmentedProps<T>) {
  return (
    <fieldset className="segments" aria-label={label}>
      {options.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={name === value} onClick={() => onChange(name)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** Tells what was typed when typing rests. */
export function SearchBox({
  value,
  label,
  onSearch,
}: {
  value: string;
  label: string;
  onSearch: (text: string) => void;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onSearch(text), 250);
    return () => clearTimeout(timer);
  }, [text, value, onSearch]);
  return (
    <div className="search">
      <Search size={16} aria-hidden />
      <input
        className="input"
        type="search"
        data-search
        aria-label={label}
        placeholder={label}
        value={text}
        onChange={({ target }) => setText(target.value)}
      />
    </div>
  );
}
