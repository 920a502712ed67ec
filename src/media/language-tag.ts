// Language tags as players compare them: containers write three letters, HLS and DASH want the shortest form. Pure; used by the playlists.

/** The canonical tag (RFC 5646 §4.5): `deu` and `ger` are `de`. null for what is no tag. */
export function languageTag(tag: string | null): string | null {
  try {
    return (tag && Intl.getCanonicalLocales(tag)[0]) || null;
  } catch {
    // Sources write any text into the language field.
    return null;
  }
}
