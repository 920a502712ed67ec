// What is made of each input: the plan of the channel, with everything encoded that this input does not allow to be copied. Kept by channel-runner.ts.
import type { LiveInputName } from '#domain/channel.ts';
import { fitPlan, type LiveFacts } from '#media/live-fit.ts';
import type { LivePlan } from '#media/live-plan.ts';

type Known = { readonly facts: LiveFacts; readonly plan: LivePlan };

/** Seconds between keyframes, and segments of them, from which on a stream is not copied to players. */
const LONGEST_GROUP = 10;
const MOST_SEGMENTS = 3;

export class PlanFitter {
  #plan: LivePlan;
  readonly #say: (reason: string) => void;
  readonly #known = new Map<LiveInputName, Known>();

  /** @param say hears why something is encoded that was to be copied */
  constructor(plan: LivePlan, say: (reason: string) => void) {
    this.#plan = plan;
    this.#say = say;
  }

  planFor(name: LiveInputName): LivePlan {
    return this.#known.get(name)?.plan ?? this.#plan;
  }

  /** Takes in what FFmpeg found; true where the plan of this input is another one now. */
  hear(name: LiveInputName, found: Omit<LiveFacts, 'isUncut'>): boolean {
    return this.#fit(name, { ...found, isUncut: this.#known.get(name)?.facts.isUncut ?? false });
  }

  /** Takes in how many seconds a keyframe has been waited for; true where the plan of this input is another one now. */
  wait(name: LiveInputName, seconds: number): boolean {
    const facts = this.#known.get(name)?.facts;
    if (!facts || facts.isUncut || seconds < Math.max(LONGEST_GROUP, MOST_SEGMENTS * this.#plan.segmentSeconds))
      return false;
    return this.#fit(name, { ...facts, isUncut: true });
  }

  /** The device does not work: software encodes from now on. False where none was used: then that was not the reason. */
  leaveDevice(): boolean {
    const { renditions } = this.#plan;
    if (renditions.every(({ hardware }) => hardware === null)) return false;
    this.#say('the device fails; software encodes until the channel is started again');
    this.#plan = { ...this.#plan, renditions: renditions.map((rendition) => ({ ...rendition, hardware: null })) };
    for (const [name, { facts }] of this.#known)
      this.#known.set(name, { facts, plan: fitPlan(this.#plan, facts).plan });
    return true;
  }

  #fit(name: LiveInputName, facts: LiveFacts): boolean {
    const before = this.planFor(name);
    const { plan, reasons } = fitPlan(this.#plan, facts);
    this.#known.set(name, { facts, plan });
    if (JSON.stringify(plan) === JSON.stringify(before)) return false;
    for (const reason of reasons) this.#say(reason);
    return true;
  }
}
