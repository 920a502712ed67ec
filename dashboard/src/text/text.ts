// The words of the page in the reader's language. English is part of the page, others are loaded when they are wanted.
import { useSyncExternalStore } from 'react';
import { en } from './en.ts';

export type Key = keyof typeof en;
export type Catalogue = Readonly<Record<Key, string>>;
export type Values = Readonly<Record<string, string | number>>;

/** Each language in its own name, and which way it is written. */
export const LANGUAGES = {
  en: { name: 'English', dir: 'ltr', load: async (): Promise<Catalogue> => en },
  de: { name: 'Deutsch', dir: 'ltr', load: async (): Promise<Catalogue> => (await import('./de.ts')).de },
} as const;
export type Language = keyof typeof LANGUAGES;

const STORE = 'rendition-language';
let language: Language = 'en';
let words: Catalogue = en;
let formats = makeFormats(localeOf('en'));
const listeners = new Set<() => void>();

function makeFormats(locale: string) {
  return {
    number: new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }),
    moment: new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }),
    hour: new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' }),
    second: new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }),
    ago: new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }),
    plural: new Intl.PluralRules(locale),
  };
}

/** As the reader's country writes times and numbers, where the browser names one of that language. */
function localeOf(name: string): string {
  return navigator.languages.find((tag) => tag === name || tag.startsWith(`${name}-`)) ?? name;
}

const isLanguage = (name: string): name is Language => Object.hasOwn(LANGUAGES, name);

/** What was chosen before, else what the browser asks for. */
export function preferredLanguage(): Language {
  const wanted = [localStorage.getItem(STORE) ?? '', ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wanted.find(isLanguage) ?? 'en';
}

export async function setLanguage(next: Language, { keep = true }: { keep?: boolean } = {}): Promise<void> {
  words = await LANGUAGES[next].load();
  language = next;
  formats = makeFormats(localeOf(next));
  if (keep) localStorage.setItem(STORE, next);
  document.documentElement.lang = next;
  document.documentElement.dir = LANGUAGES[next].dir;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
export const useLanguage = (): Language => useSyncExternalStore(subscribe, () => language);

/** `{name}` is replaced; `{n|job|jobs}` chooses by the number n. */
export function t(key: Key, values: Values = {}): string {
  return words[key].replace(/\{([^}]+)\}/g, (whole, inner: string) => {
    const [name = '', one, other = ''] = inner.split('|');
    const value = values[name];
    if (value === undefined) return whole;
    const shown = typeof value === 'number' ? formats.number.format(value) : value;
    if (one === undefined) return shown;
    return `${shown} ${formats.plural.select(Number(value)) === 'one' ? one : other}`;
  });
}

/** A word of the server's (a status, a kind) in the reader's language; as it is where there is none. */
export function tell(prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return Object.hasOwn(words, key) ? words[key as Key] : word;
}

/** What the server says by a code, in the reader's language; null where it is to be shown as the server wrote it. */
export function told(prefix: string, code: string): string | null {
  const key = `${prefix}.${code}`;
  return Object.hasOwn(words, key) ? words[key as Key] : null;
}

export const number = (value: number): string => formats.number.format(value);
export const moment = (iso: string): string => formats.moment.format(new Date(iso));
/** With its seconds: 07:46:52. */
export const second = (iso: string): string => formats.second.format(new Date(iso));
export const hour = (iso: string | number): string => formats.hour.format(new Date(iso));

const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];
export function ago(iso: string): string {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  return Math.abs(seconds) < 10 ? t('time.now') : formats.ago.format(Math.trunc(seconds / size), unit);
}

/** Figures with units, and two figures beside each other, keep their order in lines that run from right to left: isolated (Unicode UAX #9). */
const asWritten = (text: string): string => (document.documentElement.dir === 'rtl' ? `\u2066${text}\u2069` : text);

export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return asWritten(`${number(count / 1000 ** step)} ${units[step]}`);
}

export function clock(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60)];
  return asWritten(hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`);
}

export const bitrate = (bits: number): string =>
  asWritten(bits >= 1e6 ? `${number(bits / 1e6)} Mb/s` : `${number(Math.round(bits / 1000))} kb/s`);

export const pixels = (width: number, height: number | null): string => asWritten(`${width}×${height}`);
