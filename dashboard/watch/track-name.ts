// What a sound or a text is called in the viewer's language. Pure; used by the player page and the dashboard's player.

/**
 * A playlist says in English what it knows no better name of than its language: `German`, `German 2`. Any other name is its author's.
 * @param tag the track's language (RFC 5646), as the playlist has it
 */
export function trackName(
  { name, tag }: { readonly name: string; readonly tag: string | undefined },
  viewer: string,
): string {
  const english = nameIn('en', tag);
  const own = nameIn(viewer, tag);
  const number = english !== null && name.startsWith(english) ? name.slice(english.length) : null;
  return own !== null && number !== null && /^( \d+)?$/.test(number) ? own + number : name;
}

function nameIn(viewer: string, tag: string | undefined): string | null {
  try {
    return (tag && new Intl.DisplayNames([viewer], { type: 'language' }).of(tag)) || null;
  } catch {
    // A playlist may call anything a language.
    return null;
  }
}
