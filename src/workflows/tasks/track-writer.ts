// Stores one rendition's init and segments as FFmpeg makes them, and remembers what was stored. Used by the executors of chunk, copy, audio, first-light.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { TrackPart } from '#domain/task.ts';
import { codecString } from '#media/codec-string.ts';
import { type CutOptions, cutFragments, type Init, type Segment } from '#media/fragments.ts';
import { segmentName } from '#media/package.ts';
import type { Store } from '#storage/store.ts';

export type TrackWriterOptions = {
  readonly storage: Store;
  /** Prefix of the attempt. */
  readonly prefix: string;
  readonly rendition: string;
  /** Number of the run's first segment in its timeline. */
  readonly firstSegment: number;
  readonly signal: AbortSignal;
  /** What earlier attempts showed: it stays as it is, and is not stored again. */
  readonly kept: readonly TrackPart[];
  /** After each segment that may be shown. */
  readonly onSegment: () => Promise<void> | void;
};

const SEGMENT_TYPE = 'video/iso.segment';
const INIT_TYPE = 'video/mp4';

/** The life of one track of one attempt. */
export class TrackWriter {
  readonly #options: TrackWriterOptions;
  readonly #kept: readonly TrackPart[];
  readonly #keptIndexes: ReadonlySet<number>;
  #part: TrackPart;
  /** Segments of the part that are whole whatever becomes of this attempt. */
  #followed = 0;
  samples = 0;

  constructor(options: TrackWriterOptions) {
    this.#options = options;
    this.#kept = options.kept.filter(({ rendition }) => rendition === options.rendition);
    this.#keptIndexes = new Set(this.#kept.flatMap(({ segments }) => segments.map(({ index }) => index)));
    this.#part = { rendition: options.rendition, init: null, codecs: '', timescale: 1, segments: [] };
  }

  /** What is stored so far, by this attempt and by those before it. */
  get parts(): readonly TrackPart[] {
    return this.#behindKept(this.#part.segments.length);
  }

  /** The same without a segment that the end of the stream may have cut short. */
  get shown(): readonly TrackPart[] {
    return this.#behindKept(this.#followed);
  }

  /** One part, unless the init segments differ: then an encoder was replaced between two attempts. */
  #behindKept(count: number): readonly TrackPart[] {
    const made = { ...this.#part, segments: this.#part.segments.slice(0, count) };
    if (count === 0) return this.#kept;
    const last = this.#kept.at(-1);
    if (!last || last.init?.hash !== made.init?.hash) return [...this.#kept, made];
    return [...this.#kept.slice(0, -1), { ...made, init: last.init, segments: [...last.segments, ...made.segments] }];
  }

  /** Cuts a stream of fragments on the boundaries and stores every segment as soon as it is whole. */
  async read(stream: Readable, cut: Pick<CutOptions, 'boundaries' | 'alignment' | 'offset' | 'fps'>): Promise<void> {
    const { samples } = await cutFragments(stream, {
      ...cut,
      firstSequence: this.#options.firstSegment * 1000 + 1,
      onInit: (init) => this.#storeInit(init),
      onSegment: (segment) => this.#storeSegment(segment),
    });
    this.samples = samples;
  }

  async #storeInit(init: Init): Promise<void> {
    const key = `${this.#key()}/init.mp4`;
    const hash = createHash('sha256').update(init.data).digest('hex').slice(0, 16);
    const known = this.#kept.at(-1)?.init;
    const size = known?.hash === hash ? known.size : await this.#write(key, init.data, INIT_TYPE);
    this.#part = {
      ...this.#part,
      init: { key, size, hash },
      timescale: init.timescale,
      codecs: codecString(init.data),
    };
  }

  async #storeSegment({ position, data, start, duration, samples, isFollowed }: Segment): Promise<void> {
    const index = this.#options.firstSegment + position;
    if (this.#keptIndexes.has(index)) return;
    const key = `${this.#key()}/${segmentName({ extension: 'm4s' }, index)}`;
    const size = await this.#write(key, data, SEGMENT_TYPE);
    this.#part = { ...this.#part, segments: [...this.#part.segments, { index, key, size, start, duration, samples }] };
    if (!isFollowed) return;
    this.#followed += 1;
    await this.#options.onSegment();
  }

  #key(): string {
    return `${this.#options.prefix}/${this.#options.rendition}`;
  }

  #write(key: string, data: Uint8Array, contentType: string): Promise<number> {
    const { storage, signal } = this.#options;
    return storage.write(key, data, { contentType, size: data.length, signal });
  }
}

/** Of one rendition. */
export const countSegments = (parts: readonly TrackPart[], rendition: string): number =>
  parts.reduce((count, part) => count + (part.rendition === rendition ? part.segments.length : 0), 0);
