// Frame rates as exact fractions: finding the one a source means, choosing the one an output gets. Pure; used by probe and plan.
import type { Rational, VideoFacts } from '#domain/source-facts.ts';

const rate = (num: number, den = 1): Rational => ({ num, den });

/** The rates that cameras, broadcasters and films use, rising. */
const STANDARD_RATES: readonly Rational[] = [
  rate(24000, 1001),
  rate(24),
  rate(25),
  rate(30000, 1001),
  rate(30),
  rate(48),
  rate(50),
  rate(60000, 1001),
  rate(60),
];

/** What a stream carries at the most unless more is asked for by name. */
export const USUAL_MAXIMUM = 60;
/** A source whose rate nothing tells (a single frame) is shown at this rate. */
const FALLBACK = rate(25);
/** Written rates are rounded (29.97, 23.98): within half of the distance between 24 and 24000/1001 they mean the standard one. */
const ROUNDING = 0.0005;

export function rateNumber(value: Rational): number {
  return value.num / value.den;
}

export function isStandardRate(value: Rational): boolean {
  return STANDARD_RATES.some((one) => one.num === value.num && one.den === value.den);
}

/** What films run at. */
export const isFilmRate = (value: Rational): boolean => isStandardRate(value) && Math.round(rateNumber(value)) === 24;

/** Lowest terms. */
export function reduceRate(value: Rational): Rational {
  let [a, b] = [value.num, value.den];
  while (b > 0) [a, b] = [b, a % b];
  return a > 1 ? rate(value.num / a, value.den / a) : value;
}

/** The standard rate that a rounded one means; any other stays itself, in lowest terms. */
export function snapRate(value: Rational): Rational {
  const number = rateNumber(value);
  return STANDARD_RATES.find((standard) => Math.abs(rateNumber(standard) / number - 1) < ROUNDING) ?? reduceRate(value);
}

/**
 * The rate that lies between two bounds: a standard one where there is one (the nearest to the middle), else the simplest fraction.
 * @param one frames/s, above 0
 * @param other frames/s; which of the two is the lower one is open: a clock that contradicts itself has its bounds the other way round
 */
export function rateBetween(one: number, other: number): Rational {
  const [low, high] = [Math.min(one, other), Math.max(one, other)];
  const middle = (low + high) / 2;
  const standard = STANDARD_RATES.filter((known) => rateNumber(known) >= low && rateNumber(known) <= high);
  standard.sort((a, b) => Math.abs(rateNumber(a) - middle) - Math.abs(rateNumber(b) - middle));
  return standard[0] ?? simplestFraction(low, high);
}

/** Steps of a continued fraction: what comes behind are the last digits of floating numbers, which never end. */
const MOST_STEPS = 16;

/** The fraction with the smallest denominator in [low, high], by continued fractions (Stern–Brocot). */
function simplestFraction(low: number, high: number, step = 1): Rational {
  const whole = Math.floor(low);
  if (whole === low || step === MOST_STEPS) return rate(whole);
  if (whole + 1 <= high) return rate(whole + 1);
  const rest = simplestFraction(1 / (high - whole), 1 / (low - whole), step + 1);
  return rate(whole * rest.num + rest.den, rest.num);
}

/**
 * The constant rate of an output: the wanted one, or the source's own where it is constant, or what a varying source mostly runs at.
 * Between 1 and `maximum` frames/s; without a wish never above 60, where 120 becomes 60 and 100 becomes 50: every second frame.
 * @param maximum frames/s that any output may have
 */
export function chooseFrameRate(video: VideoFacts, wanted: Rational | null, maximum: number): Rational {
  if (wanted !== null) return clampRate(snapRate(wanted), maximum);
  const limit = Math.min(maximum, USUAL_MAXIMUM);
  if (video.constantFrameRate) return clampRate(thinOut(video.averageFrameRate ?? FALLBACK, limit), limit);
  const usual = video.skipsFrames ? (video.nominalFrameRate ?? FALLBACK) : varyingRate(video);
  return clampRate(thinOut(usual, limit), limit);
}

/** Of a varying source: what it mostly runs at; half of it, 30 at the most, where it mostly stands still (a screen recording). */
function varyingRate(video: VideoFacts): Rational {
  const usual = video.nominalFrameRate ?? video.averageFrameRate ?? FALLBACK;
  const average = video.averageFrameRate ?? usual;
  const standsStill = rateNumber(average) < rateNumber(usual) / 4;
  const number = rateNumber(standsStill ? thinOut(usual, 30) : usual);
  return nearestRate(number, usual);
}

/** A varying rate has no exact value of its own: the nearest standard one within 10 %, else whole frames. */
function nearestRate(number: number, exact: Rational): Rational {
  if (Math.abs(rateNumber(exact) - number) < 1e-9 && isStandardRate(exact)) return exact;
  const distance = (one: Rational) => Math.abs(rateNumber(one) / number - 1);
  const nearest = STANDARD_RATES.reduce((best, one) => (distance(one) < distance(best) ? one : best));
  return distance(nearest) < 0.1 ? nearest : rate(Math.max(1, Math.round(number)));
}

/** The nearest of the eight rates that MPEG-2 has (ISO/IEC 13818-2, table 6-4). */
export function mpegRate(value: Rational): Rational {
  const distance = (one: Rational) => Math.abs(rateNumber(one) - rateNumber(value));
  return STANDARD_RATES.filter(({ num, den }) => num !== 48 || den !== 1).reduce((best, one) =>
    distance(one) < distance(best) ? one : best,
  );
}

/** Every second (fourth, …) frame until it fits, so that motion stays even. */
function thinOut(value: Rational, limit: number): Rational {
  let result = value;
  while (rateNumber(result) > limit * (1 + ROUNDING)) result = rate(result.num, result.den * 2);
  return snapRate(result);
}

function clampRate(value: Rational, maximum: number): Rational {
  const number = rateNumber(value);
  if (number < 1) return rate(1);
  return number > maximum * (1 + ROUNDING) ? reduceRate(rate(Math.round(maximum * 1000), 1000)) : value;
}
