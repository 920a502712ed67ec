// What a user searches for as a pattern of LIKE. Used by the lists that can be searched.
import { plainText } from '#database/columns.ts';

/** Fits what holds the text somewhere; its own wildcards stand for themselves. */
export const searchPattern = (text: string): string => `%${plainText(text).replaceAll(/[\\%_]/g, '\\$&')}%`;
