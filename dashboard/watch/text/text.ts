// The words of the player in the viewer's language: the one that the page's address names (`?lang=de`), else what the browser asks for.
import { de } from './de.ts';
import { en } from './en.ts';

export type Key = keyof typeof en;
export type Catalogue = Readonly<Record<Key, string>>;

/** Few words: all of them are part of the page, so that none waits for another file. */
const LANGUAGES = { en, de } as const;
type Language = keyof typeof LANGUAGES;

const isLanguage = (tag: string): tag is Language => Object.hasOwn(LANGUAGES, tag);

/** @param wanted language tags (RFC 5646), the dearest first; English where none of them is spoken */
function chooseLanguage(wanted: readonly string[]): Language {
  return wanted.map((tag) => tag.toLowerCase().replace(/[-_].*$/, '')).find(isLanguage) ?? 'en';
}

export const language = chooseLanguage([
  new URLSearchParams(location.search).get('lang') ?? '',
  ...navigator.languages,
]);
const words: Catalogue = LANGUAGES[language];

/** `{name}` is replaced. */
export const t = (key: Key, values: Readonly<Record<string, string | number>> = {}): string =>
  words[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** With the key of the keyboard that does the same: `Play (k)`. */
export const withKey = (key: Key, press: string): string => `${t(key)} (${press})`;
