// Learns from a video's timestamps, one at a time, whether its frame rate is constant and what it is. Memory is bounded. Used by probe-packets.ts.
import type { Rational } from '#domain/source-facts.ts';
import {
  isFilmRate,
  isStandardRate,
  rateBetween,
  rateNumber,
  reduceRate,
  snapRate,
  USUAL_MAXIMUM,
} from '#media/frame-rate.ts';

/** Frames may be stored in another order than shown: so many are held back to put them in order (H.264 and HEVC allow 16). */
const REORDER = 32;
/** Beyond this many distinct intervals nobody learns anything from another one. */
const INTERVAL_KINDS = 20_000;
/** Of a rate with frames missing: the share of intervals that are single ones, and by how much of a frame one may be off. */
const SKIP_SHARE = 0.9;
const SKIP_JITTER = 0.25;
/** Of film on a 60 Hz clock (3:2 pulldown): the share of each of the two intervals, and by how much of its length one may be off. */
const PULLDOWN_SHARE = 0.4;
const PULLDOWN_JITTER = 0.06;
/** Share of the typical interval by which such a frame may lie off the line: half a field, and rounding. */
const PULLDOWN_TOLERANCE = 0.3;

export type ClockFacts = {
  readonly constant: boolean;
  /** Not constant, but only because single frames are missing: all others lie where the nominal rate has them. */
  readonly skips: boolean;
  /** Frames/s where constant; else frames over time. null for fewer than two frames. */
  readonly average: Rational | null;
  /** The commonest interval as a rate. */
  readonly nominal: Rational | null;
  /** The commonest interval, ticks; 0 for fewer than two frames. */
  readonly interval: number;
};

/**
 * A constant rate with rounded timestamps (Matroska: milliseconds) lies in a corridor around a straight line. Each timestamp narrows
 * the slopes that such a line may have; where none is left, the rate varies. That needs no list of timestamps and forgives rounding.
 */
export class FrameClock {
  readonly #waiting: number[] = [];
  readonly #intervals = new Map<number, number>();
  #origin = 0;
  #previous = 0;
  #frames = 0;
  /** Ticks a frame: what is still possible; and what is for a clock that limps between two and three fields. */
  readonly #even = new Corridor();
  readonly #limping = new Corridor();
  #disordered = false;
  readonly #isCutOff: boolean;

  /** @param isCutOff more is to come: of the last ones, those between them may still be missing, and they count for nothing */
  constructor(isCutOff = false) {
    this.#isCutOff = isCutOff;
  }

  /** @param time presentation time in ticks, in the order of storage */
  add(time: number): void {
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1] ?? 0) > time) at--;
    this.#waiting.splice(at, 0, time);
    if (this.#waiting.length > REORDER) this.#take(1);
  }

  /** @param tick seconds a tick, as a fraction @param declared the container's own idea of the rate, which decides between equals */
  finish(tick: Rational, declared: Rational | null): ClockFacts {
    if (!this.#isCutOff) this.#take(this.#waiting.length);
    const steps = this.#frames - 1;
    const span = this.#previous - this.#origin;
    if (steps < 1 || span <= 0)
      return { constant: this.#frames <= 1, skips: false, average: null, nominal: null, interval: 0 };
    const perSecond = tick.den / tick.num;
    const interval = this.#commonest();
    const measured = (perSecond * steps) / span;
    if (!this.#disordered && this.#even.isOpen) {
      const rate = pickRate({ ...this.#even.rates(perSecond), measured, rounding: 1 / span }, declared);
      return { constant: true, skips: false, average: rate, nominal: rate, interval };
    }
    const film = this.#filmRate(perSecond, { measured, declared });
    if (film) return { constant: true, skips: false, average: film, nominal: film, interval };
    // Frames over time, as FFmpeg writes an average: thousandths of a second are exact enough for what varies anyway.
    const average = reduceRate({ num: steps * 1000, den: Math.max(1, Math.round((span / perSecond) * 1000)) });
    // A container that counts frames (AVI, Ogg) keeps none that only repeats the one before: what is written says less than its clock.
    if (declared && interval > 1 && countsFrames(perSecond, declared)) {
      const nominal = snapRate(declared);
      return {
        constant: false,
        skips: this.#skips(perSecond / rateNumber(nominal), span),
        average,
        nominal,
        interval: 1,
      };
    }
    // Three ticks or fewer: rounding by half a tick says nothing.
    const slack = interval <= 3 ? 0 : Math.max(0.5, interval * 0.0005);
    const slopes = {
      low: perSecond / (interval + slack),
      high: perSecond / (interval - slack),
      measured: perSecond / interval,
      rounding: slack / interval,
    };
    const nominal = pickRate(slopes, declared);
    return { constant: false, skips: this.#skips(perSecond / rateNumber(nominal), span), average, nominal, interval };
  }

  /** The rate of film whose frames last two and three fields in turn (soft telecine); null where this is none. */
  #filmRate(
    perSecond: number,
    { measured, declared }: { readonly measured: number; readonly declared: Rational | null },
  ): Rational | null {
    if (this.#disordered || !this.#limping.isOpen || this.#frames <= REORDER) return null;
    const mean = perSecond / measured;
    const isNear = (interval: number, fields: number) => {
      const wanted = (mean * fields) / 2.5;
      return Math.abs(interval - wanted) <= Math.max(1, wanted * PULLDOWN_JITTER);
    };
    let [short, long] = [0, 0];
    for (const [interval, seen] of this.#intervals) {
      if (isNear(interval, 2)) short += seen;
      else if (isNear(interval, 3)) long += seen;
    }
    const least = (this.#frames - 1) * PULLDOWN_SHARE;
    if (short < least || long < least) return null;
    const { low, high } = this.#limping.rates(perSecond);
    // 24000/1001 or 24: the header's rate, of frames or of fields, tells which family it is.
    const family = [10, 5].map((fields) => declared && snapRate({ num: declared.num * 4, den: declared.den * fields }));
    const fits = (rate: Rational | null): rate is Rational =>
      rate !== null && isFilmRate(rate) && rateNumber(rate) >= low && rateNumber(rate) <= high;
    return family.find(fits) ?? [rateBetween(low, high)].find(fits) ?? null;
  }

  /** @param frame ticks of a frame at the nominal rate @param span ticks from the first frame to the last */
  #skips(frame: number, span: number): boolean {
    if (this.#disordered || this.#intervals.size === INTERVAL_KINDS) return false;
    let [places, single] = [0, 0];
    for (const [interval, seen] of this.#intervals) {
      const step = Math.round(interval / frame);
      if (step < 1 || Math.abs(interval - step * frame) > frame * SKIP_JITTER) return false;
      places += step * seen;
      if (step === 1) single += seen;
    }
    // From beginning to end it keeps the rate: what only resembles it would drift off.
    return single >= (this.#frames - 1) * SKIP_SHARE && Math.abs(places * frame - span) <= frame / 2;
  }

  #take(count: number): void {
    if (this.#frames === 0) this.#begin();
    for (const time of this.#waiting.splice(0, count)) this.#learn(time);
  }

  /** What the first frames' typical interval allows as rounding: 2.2 ticks or a tenth, never near a whole frame. */
  #begin(): void {
    this.#origin = this.#waiting[0] ?? 0;
    this.#previous = this.#origin;
    const intervals = this.#waiting
      .slice(1)
      .map((time, i) => time - (this.#waiting[i] ?? 0))
      .sort((a, b) => a - b);
    const typical = intervals[intervals.length >> 1] ?? 0;
    this.#even.tolerance = Math.min(Math.max(2.2, typical * 0.1), typical * 0.3);
    this.#limping.tolerance = typical * PULLDOWN_TOLERANCE;
  }

  #learn(time: number): void {
    const n = this.#frames++;
    if (n === 0) return;
    const interval = time - this.#previous;
    // Time that runs back (joined streams) or stands still (doubled frames) is no clock.
    if (interval <= 0) {
      this.#disordered = true;
      return;
    }
    this.#previous = time;
    if (this.#intervals.size < INTERVAL_KINDS || this.#intervals.has(interval))
      this.#intervals.set(interval, (this.#intervals.get(interval) ?? 0) + 1);
    this.#even.narrow(time - this.#origin, n);
    this.#limping.narrow(time - this.#origin, n);
  }

  /** The interval with the most others within a tick or a twentieth of it; of equals the shortest. */
  #commonest(): number {
    const kinds = [...this.#intervals].sort(([a], [b]) => a - b);
    let [best, weight, from, to, sum] = [0, 0, 0, 0, 0];
    for (const [interval] of kinds) {
      const reach = Math.max(1, interval * 0.05);
      for (; to < kinds.length && (kinds[to]?.[0] ?? 0) <= interval + reach; to++) sum += kinds[to]?.[1] ?? 0;
      for (; (kinds[from]?.[0] ?? 0) < interval - reach; from++) sum -= kinds[from]?.[1] ?? 0;
      if (sum > weight) [best, weight] = [interval, sum];
    }
    return this.#centre(best);
  }

  /** Within the chosen neighbourhood, the single interval seen most often. */
  #centre(interval: number): number {
    const reach = Math.max(1, interval * 0.05);
    let [best, count] = [interval, 0];
    for (const [one, seen] of this.#intervals) {
      if (Math.abs(one - interval) <= reach && (seen > count || (seen === count && one < best)))
        [best, count] = [one, seen];
    }
    return best;
  }
}

/** The slopes that a straight line through all frames may have, each of which may lie off it by a tolerance. */
class Corridor {
  tolerance = 0;
  #least = 0;
  #most = Number.POSITIVE_INFINITY;

  /** @param ticks from the first frame to the n-th */
  narrow(ticks: number, n: number): void {
    this.#least = Math.max(this.#least, (ticks - this.tolerance) / n);
    this.#most = Math.min(this.#most, (ticks + this.tolerance) / n);
  }

  get isOpen(): boolean {
    return this.#least <= this.#most;
  }

  /** frames/s */
  rates(perSecond: number): { readonly low: number; readonly high: number } {
    return { low: perSecond / this.#most, high: perSecond / this.#least };
  }
}

/** One tick is one frame of the rate that the header declares. */
const countsFrames = (perSecond: number, declared: Rational): boolean =>
  rateNumber(declared) <= USUAL_MAXIMUM && Math.abs(perSecond / rateNumber(declared) - 1) < 1e-6;

type Slopes = {
  /** Frames/s that are possible. */
  readonly low: number;
  readonly high: number;
  /** What first and last timestamp say, and by how much a tick of rounding at either could change it (a share). */
  readonly measured: number;
  readonly rounding: number;
};

/** The declared rate where it fits, in its standard form if that fits too; else the standard rate within the bounds, else what was measured. */
function pickRate({ low, high, measured, rounding }: Slopes, declared: Rational | null): Rational {
  const fits = (value: Rational) => rateNumber(value) >= low * (1 - 1e-9) && rateNumber(value) <= high * (1 + 1e-9);
  const standard = declared === null ? null : snapRate(declared);
  if (standard !== null && fits(standard)) return standard;
  if (declared !== null && fits(declared)) return reduceRate(declared);
  const between = rateBetween(low, high);
  if (isStandardRate(between)) return between;
  return rateBetween(Math.max(low, measured * (1 - rounding)), Math.min(high, measured * (1 + rounding)));
}
