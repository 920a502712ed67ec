// Where we are: a path and a query behind `#`, because the paths themselves belong to the APIs (`/jobs`, `/videos`). Small on purpose.
import { type AnchorHTMLAttributes, type MouseEvent, useSyncExternalStore } from 'react';

export type Place = { path: string; query: URLSearchParams };

const read = (): string => location.hash.replace(/^#/, '') || '/';
const subscribe = (listener: () => void) => {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
};

/** Of each entry of the history: how far things were scrolled. Entries are told apart by the number they carry. */
const scrolled = new Map<number, Map<string, number>>();
let entries = 0;
let entry = 0;
let isReturn = false;
const numberOf = (state: unknown): number | null =>
  typeof state === 'object' && state !== null && 'entry' in state ? Number(state.entry) : null;

function noteEntry(): void {
  const known = numberOf(history.state);
  isReturn = known !== null && known !== entry;
  if (known === null) history.replaceState({ entry: ++entries }, '');
  entry = numberOf(history.state) ?? 0;
  entries = Math.max(entries, entry);
}
history.scrollRestoration = 'manual';
noteEntry();
addEventListener('hashchange', noteEntry);

/** Keeps how far something is scrolled, for whoever comes back to this entry of the history. */
export function rememberScroll(name: string, top: number): void {
  const known = scrolled.get(entry) ?? new Map<string, number>();
  scrolled.set(entry, known.set(name, top));
}
/** How far it was scrolled, where this entry was come back to; else 0. */
export const recallScroll = (name: string): number => (isReturn ? (scrolled.get(entry)?.get(name) ?? 0) : 0);

/** The place as text: `/jobs?status=failed`. */
const usePlaceText = (): string => useSyncExternalStore(subscribe, read);

export function usePlace(): Place {
  const [path = '/', query = ''] = usePlaceText().split('?');
  return { path: path === '' ? '/' : path, query: new URLSearchParams(query) };
}

export function go(to: string, { replace = false }: { replace?: boolean } = {}): void {
  if (replace) {
    history.replaceState(history.state, '', `#${to}`);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else location.hash = to;
}

/** Filters are part of the address: they can be shared, and the back button knows them. */
export function setQuery(changes: Readonly<Record<string, string | null>>): void {
  const [path = '/', text = ''] = read().split('?');
  const query = new URLSearchParams(text);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const next = query.toString();
  go(next === '' ? path : `${path}?${next}`, { replace: true });
}

/** The parts of a path that a pattern names by `:name`; null where it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i] ?? '';
    if (part.startsWith(':') && value !== '') params[part.slice(1)] = decodeURIComponent(value);
    else if (part !== value) return null;
  }
  return params;
}

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & {
  to: string;
  onFollow?: (event: MouseEvent) => void;
};
export function Link({ to, onFollow, ...rest }: LinkProps) {
  return <a {...rest} href={`#${to}`} {...(onFollow ? { onClick: onFollow } : {})} />;
}
