// What an operation is: a name, formats, and parameters described as data. The definitions beside this file are made with it.
import type { FieldError } from '#domain/error.ts';

/** Kinds of media; each has its queue, its limits and its time. */
export const MEDIA_TYPES = ['video', 'image', 'audio'] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

/** bitrate: bits/s, also written `128k` · time: seconds, also written `1:02:03.5` · color: `#rrggbb`. */
export const PARAMETER_TYPES = ['integer', 'number', 'boolean', 'string', 'bitrate', 'time', 'color'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/** null where a parameter that may be left out was left out. */
export type ParameterValue = string | number | boolean | null;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

export type ParameterDefinition = {
  readonly type: ParameterType;
  readonly required: boolean;
  /** What is taken where it is left out; null where nothing is, or the media itself decides. */
  readonly default: ParameterValue;
  readonly min: number | null;
  readonly max: number | null;
  readonly choices: readonly (string | number)[] | null;
  readonly description: string;
};

/** One operation as the API shows it. */
export type OperationDefinition = {
  readonly name: string;
  readonly media_type: MediaType;
  readonly description: string;
  readonly parameters: Readonly<Record<string, ParameterDefinition>>;
  /** By content, never by name; of several spellings (jpg, jpeg) each is listed. */
  readonly input_formats: readonly string[];
  readonly output_formats: readonly string[];
  /** bytes */
  readonly max_file_size: number;
};

/** A parameter whose value, once validated, is a T. */
export type Parameter<T extends ParameterValue = ParameterValue> = ParameterDefinition & {
  /** Other spellings of a value: `high` for 18. */
  readonly words?: Readonly<Record<string, string | number>>;
  /** Never set: it carries the type. */
  readonly value?: T;
};

export type ValuesOf<P> = { readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };

/** An operation as it is written in this folder. */
export type Operation<P = Readonly<Record<string, Parameter>>> = {
  readonly name: string;
  /** Its queue and its time limit. */
  readonly media_type: MediaType;
  /** Whose size limit its files have: audio is extracted from videos. */
  readonly input_type: MediaType;
  readonly description: string;
  readonly parameters: P;
  readonly input_formats: readonly string[];
  readonly output_formats: readonly string[];
  /** What the parameters must be to each other. */
  readonly rules: (values: ValuesOf<P>) => readonly FieldError[];
};

type Written<N extends string, P> = Omit<Operation<P>, 'rules' | 'input_type'> & {
  readonly name: N;
  readonly input_type?: MediaType;
  readonly rules?: (values: ValuesOf<P>) => readonly FieldError[];
};

/** An operation, its name and its parameters' types kept. */
export function defineOperation<const N extends string, P extends Readonly<Record<string, Parameter>>>(
  written: Written<N, P>,
): Operation<P> & { readonly name: N } {
  return { ...written, input_type: written.input_type ?? written.media_type, rules: written.rules ?? (() => []) };
}

type Numeric<D> = {
  readonly default: D;
  readonly min: number | null;
  readonly max: number | null;
  readonly words?: Readonly<Record<string, number>>;
  readonly description: string;
};

const numeric =
  (type: ParameterType) =>
  <D extends number | null>(options: Numeric<D>): Parameter<D extends null ? number | null : number> => ({
    type,
    required: false,
    choices: null,
    ...options,
  });

export const integer = numeric('integer');
export const number = numeric('number');
/** bits/s */
export const bitrate = numeric('bitrate');
/** seconds */
export const time = numeric('time');

/** The same, but it must be given. */
export function required<T extends ParameterValue>(parameter: Parameter<T>): Parameter<Exclude<T, null>> {
  return { ...parameter, required: true } as Parameter<Exclude<T, null>>;
}

export function boolean(options: { readonly default: boolean; readonly description: string }): Parameter<boolean> {
  return { type: 'boolean', required: false, min: null, max: null, choices: null, ...options };
}

/** `#rrggbb` */
export function color(options: { readonly default: string; readonly description: string }): Parameter<string> {
  return { type: 'color', required: false, min: null, max: null, choices: null, ...options };
}

/** One of a closed list of words. */
export function choice<const C extends readonly string[], D extends C[number] | null>(
  choices: C,
  options: { readonly default: D; readonly words?: Readonly<Record<string, C[number]>>; readonly description: string },
): Parameter<D extends null ? C[number] | null : C[number]> {
  return { type: 'string', required: false, min: null, max: null, choices, ...options };
}

/** One of a closed list of numbers. */
export function numberOf<D extends number | null>(
  choices: readonly number[],
  options: { readonly default: D; readonly words?: Readonly<Record<string, number>>; readonly description: string },
): Parameter<D extends null ? number | null : number> {
  return { type: 'integer', required: false, min: null, max: null, choices, ...options };
}
