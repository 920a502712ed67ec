// Reads ffprobe's compact output while it is written: packets are reduced at once, streams and format are kept. Used by probe.ts.
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { type Packet, StreamScan } from '#media/probe-packets.ts';

export type Section = ReadonlyMap<string, string>;
export type RawStream = { readonly values: Section; readonly sideData: readonly Section[] };
/** One of several films in one broadcast, each with streams of its own. */
export type RawProgram = { readonly values: Section; readonly streams: Set<number> };

const HEADER_ENTRIES = [
  'stream',
  'stream_disposition=default,forced,attached_pic,timed_thumbnails,comment,visual_impaired',
  'stream_tags=language,title,alpha_mode,enc_key_id',
  'stream_side_data',
  'program=program_num,nb_streams',
  'program_tags=service_name',
  'format=format_name,nb_streams,start_time,duration,size,bit_rate',
  'format_tags=major_brand',
].join(':');
const PACKET_ENTRIES = 'packet=codec_type,stream_index,pts,dts,duration,size,flags:packet_side_data=side_data_type';

/** ffprobe's arguments for everything, or for the headers alone. It prints packets first, as it reads them, then streams, then the format. */
export function outputArguments(what: 'everything' | 'headers'): string[] {
  return [
    '-show_entries',
    what === 'everything' ? `${PACKET_ENTRIES}:${HEADER_ENTRIES}` : HEADER_ENTRIES,
    '-of',
    'compact',
  ];
}

/** A line longer than this is some hostile tag: cut, for our memory's sake. */
const LONGEST_LINE = 100_000;

export class ProbeOutput {
  readonly scans = new Map<number, StreamScan>();
  readonly streams = new Map<number, RawStream>();
  readonly programs: RawProgram[] = [];
  format: Section = new Map();
  #lastStream: Map<string, string>[] = [];
  /** Streams of the last program that are still to come. */
  #programRest = 0;
  readonly #isCutOff: boolean;
  readonly #mostStreams: number;

  /** @param mostStreams of further ones no packets are counted: each would take megabytes, and the source is refused for them */
  constructor(isCutOff = false, mostStreams = Number.POSITIVE_INFINITY) {
    this.#isCutOff = isCutOff;
    this.#mostStreams = mostStreams;
  }

  async read(stdout: Readable): Promise<void> {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const bytes of stdout) {
      const text = rest + decoder.write(bytes);
      let at = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', at)) {
        this.addLine(text.slice(at, end));
        at = end + 1;
      }
      rest = text.slice(at, at + LONGEST_LINE);
    }
    this.addLine(rest);
  }

  addLine(line: string): void {
    if (line.startsWith('packet|')) this.#addPacket(line);
    // `program|…|stream|…`: with programs, their streams are printed twice, first of all under each of them.
    else if (line.startsWith('program|')) this.#addProgram(line);
    else if (/^(stream_group\|)*stream\|/.test(line)) this.#addStream(line);
    else if (line.startsWith('side_data|')) this.#lastStream.push(...splitSections(line).map(([, values]) => values));
    else if (line.startsWith('format|')) this.format = splitSections(line)[0]?.[1] ?? new Map();
  }

  #addProgram(line: string): void {
    const values = splitSections(line)[0]?.[1] ?? new Map<string, string>();
    this.programs.push({ values, streams: new Set() });
    this.#programRest = Number(values.get('nb_streams')) || 0;
    if (line.includes('|stream|')) this.#addStream(line);
  }

  #addStream(line: string): void {
    const sections = splitSections(line);
    const values = sections.findLast(([name]) => name === 'stream')?.[1] ?? new Map<string, string>();
    const index = Number(values.get('index'));
    this.#lastStream = sections.filter(([name]) => name === 'side_data').map(([, data]) => data);
    if (!Number.isInteger(index)) return;
    this.streams.set(index, { values, sideData: this.#lastStream });
    if (this.#programRest-- > 0) this.programs.at(-1)?.streams.add(index);
  }

  /** Written out by hand: a film of hours has millions of these lines. */
  #addPacket(line: string): void {
    let [type, index, pts, dts, duration, size, flags]: [
      string,
      number,
      number | null,
      number | null,
      number,
      number,
      string,
    ] = ['', -1, null, null, 0, 0, ''];
    for (let at = 'packet|'.length; at < line.length; ) {
      const bar = line.indexOf('|', at);
      const end = bar === -1 ? line.length : bar;
      const equals = line.indexOf('=', at);
      if (equals !== -1 && equals < end) {
        const value = line.slice(equals + 1, end);
        switch (line.slice(at, equals)) {
          case 'codec_type':
            type = value;
            break;
          case 'stream_index':
            index = Number(value);
            break;
          case 'pts':
            pts = ticks(value);
            break;
          case 'dts':
            dts = ticks(value);
            break;
          case 'duration':
            duration = ticks(value) ?? 0;
            break;
          case 'size':
            size = Number(value) || 0;
            break;
          case 'flags':
            flags = value;
            break;
        }
      }
      at = end + 1;
    }
    const packet: Packet = {
      type,
      pts,
      dts,
      duration: Math.max(0, duration),
      size,
      isKey: flags.includes('K'),
      isDiscarded: flags.includes('D'),
      isEncrypted: line.endsWith('Encryption info'),
    };
    const known = this.scans.get(index);
    if (!known && this.scans.size > this.#mostStreams) return;
    const scan = known ?? new StreamScan(type, this.#isCutOff);
    this.scans.set(index, scan);
    scan.add(packet);
  }
}

/** `N/A` and what no clock can mean are null. */
function ticks(value: string): number | null {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** `stream|index=0|…|side_data|…` to its sections; values are unescaped as the compact writer escaped them. */
function splitSections(line: string): [string, Map<string, string>][] {
  const sections: [string, Map<string, string>][] = [];
  for (const [part] of line.matchAll(/(?:[^|\\]|\\.)+/gs)) {
    const equals = part.indexOf('=');
    if (equals === -1) sections.push([part, new Map()]);
    else sections.at(-1)?.[1].set(part.slice(0, equals), unescapeValue(part.slice(equals + 1)));
  }
  return sections;
}

function unescapeValue(text: string): string {
  return text.replace(
    /\\(.)/gs,
    (_, letter: string) => ({ n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' })[letter] ?? letter,
  );
}
