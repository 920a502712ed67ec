// Writes the init segment of a track that is cut out of an original. mediabunny makes it, and is shown a film of one packet: of the tables of a stranger's it would believe every claim. Used by source-index.ts.
import { type Box, findBox } from '#media/boxes.ts';

/** What describes a track in an index, without its packets: copies of its boxes. */
export type TrackHead = {
  readonly isQuickTime: boolean;
  /** mvhd */
  readonly movie: Buffer;
  /** tkhd */
  readonly track: Buffer;
  /** mdhd and hdlr */
  readonly media: Buffer;
  /** stsd */
  readonly entries: Buffer;
};

export type FirstPacket = {
  readonly data: Uint8Array;
  /** Ticks of the track. */
  readonly duration: number;
};

/** Bytes; codecs and colour profiles are described within. */
const LARGEST_HEAD = 65_536;

/** Commands that read no media do without it. Loading holds up everything else for tens of milliseconds: workers do it before they begin. */
export const loadContainerLibrary = () => import('mediabunny');

/** Null where a part is missing, or they are larger than any film's. @param track a trak in a moov, whose mvhd is `movie` */
export function readTrackHead(moov: Buffer, movie: Box, track: Box): Omit<TrackHead, 'isQuickTime'> | null {
  const found = ['tkhd', 'mdia/mdhd', 'mdia/hdlr', 'mdia/minf/stbl/stsd'].map((path) => findBox(moov, path, track));
  const boxes = [movie, ...found].filter((box) => box !== null);
  const size = boxes.reduce((sum, { start, end }) => sum + end - start, 0);
  if (boxes.length < 5 || size > LARGEST_HEAD) return null;
  const [header, own, media, handler, entries] = boxes.map(({ start, end }) => Buffer.from(moov.subarray(start, end)));
  if (!header || !own || !media || !handler || !entries) return null;
  return { movie: header, track: own, media: Buffer.concat([media, handler]), entries };
}

/** What a CMAF muxer writes in front of the track's first packet; empty where the library makes nothing of it. @param packet a keyframe */
export async function writeTrackInit(head: TrackHead, packet: FirstPacket): Promise<Buffer> {
  const library = await loadContainerLibrary();
  // Its log is the console; a stranger's film is nothing to be warned of.
  library.Logging.level = library.LogLevel.Silent;
  const { BufferSource, Input, MP4, QTFF } = library;
  const input = new Input({ source: new BufferSource(filmOf(head, packet)), formats: [MP4, QTFF] });
  try {
    const [track] = await input.getTracks();
    const first = track && (await new library.EncodedPacketSink(track).getFirstKeyPacket());
    if (!first) return Buffer.alloc(0);
    const init = new library.BufferTarget();
    const output = new library.Output({
      format: new library.CmafOutputFormat(),
      target: new library.BufferTarget(),
      initTarget: init,
    });
    const shown = first.clone({ timestamp: 0 });
    if (track.isVideoTrack()) {
      const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
      if (!codec || !decoderConfig) return Buffer.alloc(0);
      const source = new library.EncodedVideoPacketSource(codec);
      output.addVideoTrack(source);
      await output.start();
      await source.add(shown, { decoderConfig });
    } else if (track.isAudioTrack()) {
      const [codec, decoderConfig] = [await track.getCodec(), await track.getDecoderConfig()];
      if (!codec || !decoderConfig) return Buffer.alloc(0);
      const source = new library.EncodedAudioPacketSource(codec);
      output.addAudioTrack(source);
      await output.start();
      await source.add(shown, { decoderConfig });
    }
    await output.finalize();
    return Buffer.from(init.buffer ?? new ArrayBuffer(0));
  } catch {
    // Nothing is read but memory: what fails is the track's description, and a stream that has none is copied or encoded.
    return Buffer.alloc(0);
  } finally {
    input.dispose();
  }
}

/** A film of one track with one packet (ISO/IEC 14496-12). */
function filmOf({ isQuickTime, movie, track, media, entries }: TrackHead, { data, duration }: FirstPacket): Buffer {
  const brand = Buffer.from(isQuickTime ? 'qt  ' : 'isom', 'latin1');
  const begin = Buffer.concat([box('ftyp', brand, words(0), brand), box('mdat', data)]);
  const table = box(
    'stbl',
    ...[entries, box('stts', words(0, 1, 1, duration)), box('stsc', words(0, 1, 1, 1, 1))],
    ...[box('stsz', words(0, 0, 1, data.length)), box('stco', words(0, 1, begin.length - data.length))],
  );
  return Buffer.concat([begin, box('moov', movie, box('trak', track, box('mdia', media, box('minf', table))))]);
}

function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, { length }) => sum + length, 8);
  return Buffer.concat([words(size), Buffer.from(type, 'latin1'), ...parts], size);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => void bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}
