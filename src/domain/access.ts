// Who may do what: the scopes of a key, and who a caller is. Pure; used by the API, playback links and `rendition keys`.

export const SCOPES = ['admin', 'write', 'read', 'worker'] as const;
export type Scope = (typeof SCOPES)[number];

/** A caller after authentication: every query names its project. */
export type Caller = {
  readonly projectId: string;
  readonly scopes: readonly Scope[];
  /** Id of the key; null for ADMIN_KEY, and where no key is needed. */
  readonly keyId: string | null;
};

export const DEFAULT_PROJECT = 'default';

/** Whether one of the caller's scopes covers the wanted one: admin covers all, the others only themselves. */
export const mayUse = ({ scopes }: Pick<Caller, 'scopes'>, wanted: Scope): boolean =>
  scopes.includes('admin') || scopes.includes(wanted);

/** AUTH and HOST of the settings. */
type Reach = { readonly AUTH: 'auto' | 'on' | 'off'; readonly HOST: string };

/** Whether callers must show a key: AUTH says so, or others can reach the server. */
export const needsKey = ({ AUTH, HOST }: Reach): boolean => AUTH === 'on' || (AUTH === 'auto' && !isLoopback(HOST));

/** Whether an address or name means this very machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name);
}

export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text);
