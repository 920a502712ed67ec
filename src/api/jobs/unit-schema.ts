// Units as callers write them, brought to plain numbers: bits/s, seconds, frames/s. Used by the job schema and, through it, by the CLI.
import { z } from 'zod';
import type { Rational } from '#domain/source-facts.ts';

const BITRATE = /^(\d+(?:\.\d+)?)\s*(k|m)?(?:b(?:it)?(?:\/s|ps)?)?$/i;
const BITRATE_ALLOWED = 'a number of bits per second, or text such as "2500k" or "2.5M"';

/** bits/s of `2500000`, `"2500k"`, `"2.5M"`; null where the text is none. */
export function parseBitrate(value: number | string): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value) : null;
  const [, digits, unit] = BITRATE.exec(value.trim()) ?? [];
  if (digits === undefined) return null;
  const factor = unit === undefined ? 1 : unit.toLowerCase() === 'k' ? 1000 : 1_000_000;
  return Math.round(Number(digits) * factor);
}

/** bits/s between two bounds. */
export const bitrate = (min: number, max: number) =>
  z
    .union([z.number(), z.string()], { error: BITRATE_ALLOWED })
    .meta({ description: BITRATE_ALLOWED })
    .transform((value, context) => {
      const parsed = parseBitrate(value);
      if (parsed !== null && parsed >= min && parsed <= max) return parsed;
      context.addIssue({ code: 'custom', message: `${BITRATE_ALLOWED}, from ${min} to ${max} bits per second` });
      return z.NEVER;
    });

const TIME = /^(?:(\d+):)?(?:(\d{1,2}):)?(\d+(?:\.\d+)?)$/;
const TIME_ALLOWED = 'seconds as a number, or a time such as "01:02:03.5"';

/** Seconds of `12.5`, `"12.5"`, `"1:02"`, `"01:02:03.5"`; null where the text is none. */
export function parseSeconds(value: number | string): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const match = TIME.exec(value.trim());
  if (!match) return null;
  const [first, second, last] = [match[1], match[2], Number(match[3])];
  if (first === undefined) return last;
  return second === undefined ? Number(first) * 60 + last : Number(first) * 3600 + Number(second) * 60 + last;
}

/** Seconds between two bounds. */
export const seconds = (min: number, max: number) =>
  z
    .union([z.number(), z.string()], { error: TIME_ALLOWED })
    .meta({ description: TIME_ALLOWED })
    .transform((value, context) => {
      const parsed = parseSeconds(value);
      if (parsed !== null && parsed >= min && parsed <= max) return parsed;
      context.addIssue({ code: 'custom', message: `${TIME_ALLOWED}, from ${min} to ${max} seconds` });
      return z.NEVER;
    });

/** What cameras and broadcasters mean by a rounded rate. */
const ROUNDED: readonly { readonly written: number; readonly meant: Rational }[] = [
  { written: 23.976, meant: { num: 24000, den: 1001 } },
  { written: 29.97, meant: { num: 30000, den: 1001 } },
  { written: 47.952, meant: { num: 48000, den: 1001 } },
  { written: 59.94, meant: { num: 60000, den: 1001 } },
  { written: 119.88, meant: { num: 120000, den: 1001 } },
];
const RATE_ALLOWED = 'frames per second as a number, or a fraction such as "30000/1001"';

/** A frame rate as an exact fraction: `25`, `29.97` (taken as 30000/1001), `"30000/1001"`; null where the text is none. */
export function parseFrameRate(value: number | string): Rational | null {
  const text = String(value).trim();
  const fraction = /^(\d{1,7})\/(\d{1,7})$/.exec(text);
  if (fraction) return positive(Number(fraction[1]), Number(fraction[2]));
  if (!/^\d+(\.\d+)?$/.test(text)) return null;
  const number = Number(text);
  const rounded = ROUNDED.find(({ written }) => Math.abs(written - number) < 0.005);
  if (rounded) return rounded.meant;
  return Number.isInteger(number) ? positive(number, 1) : positive(Math.round(number * 1000), 1000);
}

const positive = (num: number, den: number): Rational | null => (num > 0 && den > 0 ? { num, den } : null);

/** Frames per second up to a bound. */
export const frameRate = (max: number) =>
  z
    .union([z.number(), z.string()], { error: RATE_ALLOWED })
    .meta({ description: RATE_ALLOWED })
    .transform((value, context) => {
      const parsed = parseFrameRate(value);
      if (parsed && parsed.num / parsed.den >= 1 && parsed.num / parsed.den <= max) return parsed;
      context.addIssue({ code: 'custom', message: `${RATE_ALLOWED}, from 1 to ${max}` });
      return z.NEVER;
    });
