// What the first bytes of a file say it is. Content decides, never the name. Pure; used by probe.ts.

/** Pictures by format; animated ones that FFmpeg plays (gif, apng, avis) are `media`. */
export const STILL_FORMATS = ['jpeg', 'png', 'webp', 'avif', 'heic', 'tiff', 'bmp'] as const;
export type StillFormat = (typeof STILL_FORMATS)[number];

export type Content =
  | { readonly kind: 'still'; readonly format: StillFormat }
  /** Surely no media: `what` completes "The file is …". */
  | { readonly kind: 'foreign'; readonly what: string }
  /** Media by its signature: `what` names the container. */
  | { readonly kind: 'media'; readonly what: string }
  | { readonly kind: 'unknown' };

/** Bytes from the start of the file that are enough. */
export const HEAD_BYTES = 4096;

const still = (format: StillFormat): Content => ({ kind: 'still', format });
const foreign = (what: string): Content => ({ kind: 'foreign', what });
const media = (what: string): Content => ({ kind: 'media', what });

/** Signatures at fixed places: [offset, bytes as Latin-1, what it is]. */
const SIGNATURES: readonly [number, string, Content][] = [
  [0, '\xff\xd8\xff', still('jpeg')],
  [0, 'II*\0', still('tiff')],
  [0, 'MM\0*', still('tiff')],
  [0, 'II+\0', still('tiff')],
  [0, 'GIF8', media('GIF')],
  [0, '\x1aE\xdf\xa3', media('Matroska or WebM')],
  [0, 'OggS', media('Ogg')],
  [0, 'fLaC', media('FLAC')],
  [0, 'FLV\x01', media('FLV')],
  [0, '0&\xb2u\x8ef\xcf\x11', media('Windows Media')],
  [0, 'ID3', media('MP3')],
  // A line of text stands before its pictures, which may look like text as well.
  [0, 'YUV4MPEG2 ', media('YUV4MPEG2')],
  [0, '%PDF-', foreign('a PDF document')],
  [0, 'PK\x03\x04', foreign('a ZIP archive or an office document')],
  [0, 'Rar!\x1a\x07', foreign('a RAR archive')],
  [0, "7z\xbc\xaf'\x1c", foreign('a 7z archive')],
  [0, '\x1f\x8b', foreign('a gzip archive')],
  [0, 'BZh', foreign('a bzip2 archive')],
  [0, '\xfd7zXZ\0', foreign('an xz archive')],
  [257, 'ustar', foreign('a tar archive')],
  [0, '\x7fELF', foreign('a program')],
  [0, 'SQLite format 3\0', foreign('a database')],
  [0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', foreign('an office document')],
  [0, '8BPS', foreign('a Photoshop document')],
  [0, '\xff\x0a', foreign('a JPEG XL picture, which is not accepted')],
  [0, '\0\0\0\x0cJXL \r\n\x87\n', foreign('a JPEG XL picture, which is not accepted')],
  [0, 'gimp xcf', foreign('a GIMP document')],
  [0, '%!PS', foreign('a PostScript document')],
  [0, 'MThd', foreign('a MIDI file: it holds notes for an instrument, not sound')],
  [8, 'RMID', foreign('a MIDI file: it holds notes for an instrument, not sound')],
  [0, 'FWS', foreign('a Flash animation (SWF): a program, not a film')],
  [0, 'CWS', foreign('a Flash animation (SWF): a program, not a film')],
];

/** Texts by how they begin, after a byte order mark, white space and case are put aside. */
const TEXTS: readonly [RegExp, string][] = [
  [/^#extm3u/, 'a playlist (M3U8), not the media it names'],
  [/^ffconcat/, 'an FFmpeg script, not media'],
  [/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype svg[^>]*(\[.*?\])?[^>]*>\s*)?<svg[\s/>]/s, 'an SVG drawing'],
  [/^(<\?xml[^>]*>\s*)?<mpd[\s>]/s, 'a DASH manifest, not the media it names'],
  [/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body|script)[\s>]/s, 'an HTML page, not media'],
  [/^<\?xml/, 'an XML document, not media'],
  [/^v=0\r?\n/, 'a session description (SDP), not media'],
  [/^push graphic-context/, 'a drawing script (MVG), not a picture'],
  [/^;ffmetadata/, 'an FFmpeg metadata file, not media'],
  [/^\{\\rtf/, 'an RTF document'],
  [/^webvtt/, 'a subtitle file'],
  [/^#!/, 'a script'],
];

/** @param head the first bytes (up to HEAD_BYTES) @param size bytes of the whole file */
export function sniffContent(head: Buffer, size: number): Content {
  const text = head.toString('latin1');
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return isAnimatedPng(head) ? media('APNG') : still('png');
  if (text.startsWith('RIFF')) return sniffRiff(text);
  if (text.slice(4, 8) === 'ftyp') return sniffBrands(head, text);
  if (/^(moov|mdat|moof|styp|free|wide|skip|sidx|pnot)$/.test(text.slice(4, 8))) return media('MP4');
  // BM alone also begins many a text: the header's own length decides.
  if (text.startsWith('BM') && head.length >= 18 && [12, 16, 40, 52, 56, 64, 108, 124].includes(head.readUInt32LE(14)))
    return still('bmp');
  if (text.startsWith('MZ') && text.includes('This program')) return foreign('a Windows program');
  const signature = SIGNATURES.find(([offset, bytes]) => text.startsWith(bytes, offset));
  if (signature) return signature[2];
  if (head[0] === 0x47 && (size < 189 || head[188] === 0x47 || head[192] === 0x47)) return media('MPEG-TS');
  return sniffText(head);
}

function sniffRiff(text: string): Content {
  const form = text.slice(8, 12);
  if (form === 'WEBP') return still('webp');
  if (form === 'AVI ' || form === 'WAVE') return media(form.trim());
  return SIGNATURES.find(([offset, bytes]) => offset === 8 && form === bytes)?.[2] ?? { kind: 'unknown' };
}

/** ISO base media: pictures and films share the container; the major brand says which, a sequence's brand that it moves. */
function sniffBrands(head: Buffer, text: string): Content {
  const end = Math.min(head.length, Math.max(16, head.readUInt32BE(0)));
  const brands = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(text.slice(at, at + 4));
  const major = brands[0] ?? '';
  if (major === 'avis' || major === 'hevc' || major === 'msf1') return media('MP4');
  if (major === 'avif') return still('avif');
  if (['heic', 'heix', 'heim', 'heis'].includes(major)) return still('heic');
  if (major === 'mif1' || major === 'miaf') return still(brands.includes('avif') ? 'avif' : 'heic');
  return media('MP4');
}

/** An `acTL` chunk stands before the picture's data (PNG 3rd edition, §11.3.4.2). */
function isAnimatedPng(head: Buffer): boolean {
  for (let at = 8; at + 8 <= head.length; ) {
    const type = head.toString('latin1', at + 4, at + 8);
    if (type === 'acTL') return true;
    if (type === 'IDAT') return false;
    at += 12 + head.readUInt32BE(at);
  }
  return false;
}

function sniffText(head: Buffer): Content {
  if (head.length === 0 || head.includes(0)) return { kind: 'unknown' };
  const utf8 = head.toString('utf8');
  // The last character may be cut in the middle.
  const broken = utf8.slice(0, -1).includes('\ufffd');
  const text = utf8
    .replace(/^\ufeff/, '')
    .trimStart()
    .toLowerCase();
  const known = TEXTS.find(([pattern]) => pattern.test(text));
  if (known) return foreign(known[1]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text is what has none of them
  return !broken && !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(utf8)
    ? foreign('plain text, not media')
    : { kind: 'unknown' };
}
