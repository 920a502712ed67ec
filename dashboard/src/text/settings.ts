// The sentences of the settings in the reader's language, loaded where they are shown. English is what the server says.
import { useQuery } from '@tanstack/react-query';
import { type Language, useLanguage } from './text.ts';

type Words = Readonly<Record<string, string>>;

const WORDS: Readonly<Record<Language, () => Promise<Words>>> = {
  en: async () => ({}),
  de: async () => (await import('./settings.de.ts')).settings,
};

/** By name; a group's stands under `group.…`. Undefined while they are loaded. What has no word is as the server wrote it. */
export function useSettingWords(): Words | undefined {
  const language = useLanguage();
  const { data, isError } = useQuery({
    queryKey: ['setting-words', language],
    queryFn: WORDS[language],
    staleTime: Number.POSITIVE_INFINITY,
  });
  return isError ? {} : data;
}
