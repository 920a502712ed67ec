// Who may do what: the scopes of a key, and who a caller is. Pure; used by the API and by `rendition keys`.

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

export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text);
