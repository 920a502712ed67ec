// The files that were sent from this tab, for the comparison with what was made of them; the server does not give inputs back.
const originals = new Map<string, File>();
/** Bytes in memory are the browser's own handles, not copies; still, not for ever. */
const MOST = 100;

export function keepOriginal(id: string, file: File): void {
  originals.set(id, file);
  const oldest = originals.keys().next().value;
  if (originals.size > MOST && oldest !== undefined) originals.delete(oldest);
}
export const originalOf = (id: string): File | null => originals.get(id) ?? null;
