// What the doctor's parts share: how a finding is told and how its figures are written. Used by doctor.ts and examine-*.ts.
import type { Finding, FindingCode } from '#domain/finding.ts';

/** A finding as the examining functions tell it. */
export type Seen = readonly [code: FindingCode, severity: Finding['severity'], detail: string, action: string];
export type Add = (seen: Seen) => void;

/** At most three decimals, none where there are none. */
export function figure(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}
