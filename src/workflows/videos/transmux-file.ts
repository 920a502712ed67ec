// A CMAF segment as MPEG-TS, made when it is asked for, and text tracks that keep its clock. Called by read-stream.ts.
import { TS_OFFSET } from '#media/command/chunk.ts';
import { transmuxCommand } from '#media/command/segment.ts';
import type { Platform } from '#workflows/platform.ts';
import { bytesOf } from '#workflows/read-bytes.ts';
import type { ServedFile } from '#workflows/read-package.ts';
import { pipeSegment } from '#workflows/videos/pipe-segment.ts';

type Bytes = Exclude<ServedFile, { kind: 'text' }>;
type Transmux = { readonly init: Bytes; readonly segment: Bytes; readonly name: string };

export function transmuxFile(platform: Platform, { init, segment, name }: Transmux): Bytes {
  return {
    kind: 'made',
    key: `ts ${segment.key}`,
    size: null,
    mediaType: 'video/mp2t',
    name,
    make: () => pipeSegment(platform, { parts: [init, segment], args: transmuxCommand() }),
  };
}

/** MPEG-TS counts 90 kHz from an offset; text says which of its times is which (RFC 8216 §3.5). */
export function shiftTexts(platform: Platform, file: Extract<ServedFile, { kind: 'object' }>): ServedFile {
  const map = `WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:${TS_OFFSET * 90_000},LOCAL:00:00:00.000`;
  const make = async () => Buffer.from((await bytesOf(platform, file)).toString().replace(/^WEBVTT[^\n]*/, map));
  return { ...file, kind: 'made', key: `ts ${file.key}`, size: null, make };
}
