// Sorts what ffprobe says on stderr: what tells of damage, what only chatters. Used by probe.ts and explain-unreadable.ts.

/** Said of healthy files too. */
const CHATTER = [
  /Unsupported codec with id/,
  /^Consider increasing the value/,
  /Estimating duration from bitrate/,
  /^Last message repeated/,
  /Could not find codec parameters/,
  /Failed to open codec in/,
  /Could not open codec for input stream/,
  /detected only with low score/,
  /not on whitelist/,
  /Skipping unhandled metadata/,
  // The end of every failure, with a path of ours in it.
  /^(file|http):/,
];
const MOST_COMPLAINTS = 20;

export class ProbeLog {
  readonly #complaints = new Set<string>();
  /** Names of the formats and codecs that the whitelists turned away. */
  readonly refusedFormats = new Set<string>();
  readonly refusedCodecs = new Set<string>();
  hasUnclearStream = false;
  mentionsEncryption = false;

  /** One line as `-v level+…` writes it: `[h264 @ 0x55…] [error] no frame!`. */
  add(line: string): void {
    const text = line
      .replace(/ @ 0x[0-9a-f]+/g, '')
      .replace(/\[(warning|error|fatal|panic)\] /, '')
      .trim();
    const refused = /^\[(\S+)\] Format not on whitelist/.exec(text)?.[1];
    if (refused !== undefined) this.refusedFormats.add(refused);
    const codec = /Codec \((\S+)\) not on whitelist/.exec(text)?.[1];
    if (codec !== undefined) this.refusedCodecs.add(codec);
    if (text.includes('Could not find codec parameters')) this.hasUnclearStream = true;
    if (/encrypt|\bsenc\b|\btenc\b/i.test(text)) this.mentionsEncryption = true;
    const bare = text.replace(/^(\[[^\]]*\] )*/, '');
    if (CHATTER.some((pattern) => pattern.test(bare)) || this.#complaints.size >= MOST_COMPLAINTS) return;
    this.#complaints.add(text.slice(0, 300));
  }

  /** Each once, at most 20, without addresses. */
  get complaints(): string[] {
    return [...this.#complaints];
  }
}
