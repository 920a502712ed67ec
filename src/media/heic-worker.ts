// A thread that decodes one HEIC picture and ends: what it used goes back to the system with it. Started by heic.ts.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { HeifError, type Libheif, loadLibheif } from '#media/libheif.ts';
import { type RawPicture, tiffHeader } from '#media/tiff.ts';

export type HeicRequest = { readonly path: string; readonly maxPixels: number };

/** Colour as ISO/IEC 23091-2 numbers it. */
export type CodedColor = { readonly primaries: number; readonly transfer: number };

export type HeicPicture = {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly bits: 8 | 16;
  /** Null where the picture says nothing, or has a profile (in the TIFF), which says it better; HDR needs it all the same. */
  readonly color: CodedColor | null;
  /** A TIFF, upright: the pixels begin at `pixels`. */
  readonly file: Uint8Array<ArrayBuffer>;
  readonly pixels: number;
};

export type HeicAnswer =
  | { readonly kind: 'picture'; readonly picture: HeicPicture }
  | { readonly kind: 'too_large'; readonly message: string }
  | { readonly kind: 'unsupported' | 'corrupt'; readonly message: string };

/** bytes; the file lies in the decoder's memory, which is 2 GiB at the most */
const LARGEST_FILE = 256 * 1024 * 1024;
/** heif_image.h and heif_color.h */
const INTERLEAVED = 10;
const CHROMA = { rgb: 10, rgba: 11, rgb16: 14, rgba16: 15 } as const;
const RGB = 1;
/** heif_error.h */
const UNSUPPORTED = [3, 4];
const NO_MEMORY = 6;
const UNKNOWN_VERSION = 3002;
/** PQ and HLG */
const HDR_TRANSFERS = [16, 18];

function answer({ path, maxPixels }: HeicRequest): HeicAnswer {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size > LARGEST_FILE)
      return { kind: 'too_large', message: `The picture is ${size} bytes; at most ${LARGEST_FILE} are read.` };
    const heif = loadLibheif();
    return decode(heif, openPrimary(heif, heif.load(file, size), { size, maxPixels }), maxPixels);
  } catch (error) {
    return explain(error);
  } finally {
    closeSync(file);
  }
}

/** The handle of the picture that the file shows: not its thumbnails, depth and gain maps. */
function openPrimary(heif: Libheif, address: number, limits: { size: number; maxPixels: number }): number {
  const context = heif.ask('context_alloc');
  // A side, squared by the library: tiles and grids that lie about their size are measured against it too.
  heif.ask('context_set_maximum_image_size_limit', context, Math.ceil(Math.sqrt(limits.maxPixels)));
  heif.need('context_read_from_memory_without_copy', context, address, limits.size, 0);
  const found = heif.allocate(4);
  heif.need('context_get_primary_image_handle', context, found);
  return heif.uint32(found);
}

function decode(heif: Libheif, handle: number, maxPixels: number): HeicAnswer {
  const [width, height] = [heif.ask('image_handle_get_width', handle), heif.ask('image_handle_get_height', handle)];
  if (width * height > maxPixels)
    return { kind: 'too_large', message: `The picture is ${width}x${height}: more than MAX_IMAGE_PIXELS allows.` };
  const profile = readProfile(heif, handle);
  const coded = readColor(heif, handle);
  const isDeep = heif.ask('image_handle_get_luma_bits_per_pixel', handle) > 8;
  const hasAlpha = heif.ask('image_handle_has_alpha_channel', handle) === 1;
  const isHdr = isDeep && coded !== null && HDR_TRANSFERS.includes(coded.transfer);
  const color = profile === null || isHdr ? coded : null;
  // Every result has 8 bits: more are worth their memory only where the tones are still to be mapped.
  const bits = isHdr ? 16 : 8;
  const chroma = CHROMA[`${hasAlpha ? 'rgba' : 'rgb'}${bits === 16 ? '16' : ''}`];
  const found = heif.allocate(4);
  heif.need('decode_image', handle, found, RGB, chroma, strictOptions(heif));
  const image = heif.uint32(found);
  const size = {
    width: heif.ask('image_get_width', image, INTERLEAVED),
    height: heif.ask('image_get_height', image, INTERLEAVED),
  };
  const raw: RawPicture = { ...size, channels: hasAlpha ? 4 : 3, bits, profile };
  const header = tiffHeader(raw);
  const row = (raw.width * raw.channels * bits) / 8;
  const file = new Uint8Array(header.length + row * raw.height);
  file.set(header);
  copyRows(heif, image, { file, start: header.length, row });
  const samples =
    bits === 16 ? new Uint16Array(file.buffer, header.length) : new Uint8Array(file.buffer, header.length);
  if (bits === 16) stretch(samples, heif.ask('image_get_bits_per_pixel_range', image, INTERLEAVED));
  if (hasAlpha && heif.ask('image_is_premultiplied_alpha', image) === 1) divideByAlpha(samples, 2 ** bits - 1);
  return {
    kind: 'picture',
    picture: { ...size, channels: raw.channels, bits, color, file, pixels: header.length },
  };
}

/**
 * Else missing tiles would be left grey and the rest be called a picture. `heif_decoding_options` says by its first byte
 * how much of it there is; `strict_decoding` came with its version 3 and stands behind two flags and four pointers.
 */
function strictOptions(heif: Libheif): number {
  const options = heif.ask('decoding_options_alloc');
  const [version = 0] = heif.view(options, 1);
  if (version < 3) throw new Error(`libheif-js has decoding options of version ${version}`);
  heif.view(options + 21, 1)[0] = 1;
  return options;
}

type Rows = { readonly file: Uint8Array; readonly start: number /** bytes */; readonly row: number };

function copyRows(heif: Libheif, image: number, { file, start, row }: Rows): void {
  const found = heif.allocate(4);
  const plane = heif.ask('image_get_plane_readonly2', image, INTERLEAVED, found);
  const stride = heif.uint32(found);
  for (let at = start, from = plane; at < file.length; at += row, from += stride) file.set(heif.view(from, row), at);
}

/** Ten bits in sixteen become all sixteen: the highest value stays the highest. */
function stretch(samples: Uint8Array | Uint16Array, bits: number): void {
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] ?? 0;
    samples[i] = (value << (16 - bits)) | (value >> (2 * bits - 16));
  }
}

/** Phones store colours already multiplied by alpha (`prem`); our formats do not. */
function divideByAlpha(samples: Uint8Array | Uint16Array, most: number): void {
  for (let i = 0; i < samples.length; i += 4) {
    const alpha = samples[i + 3] ?? 0;
    if (alpha === 0 || alpha === most) continue;
    for (let c = i; c < i + 3; c++) samples[c] = Math.min(most, Math.round(((samples[c] ?? 0) * most) / alpha));
  }
}

function readProfile(heif: Libheif, handle: number): Uint8Array | null {
  const size = heif.ask('image_handle_get_raw_color_profile_size', handle);
  if (size === 0) return null;
  const address = heif.allocate(size);
  heif.need('image_handle_get_raw_color_profile', handle, address);
  return heif.view(address, size).slice();
}

/** struct heif_color_profile_nclx { uint8 version; enum primaries; enum transfer; enum matrix; … } */
function readColor(heif: Libheif, handle: number): CodedColor | null {
  const found = heif.allocate(4);
  try {
    heif.need('image_handle_get_nclx_color_profile', handle, found);
  } catch (error) {
    // Its answer where there is none.
    if (error instanceof HeifError) return null;
    throw error;
  }
  const profile = heif.uint32(found);
  return { primaries: heif.uint32(profile + 4), transfer: heif.uint32(profile + 8) };
}

function explain(error: unknown): HeicAnswer {
  if (error instanceof HeifError) {
    const { message, code, subcode } = error;
    if (code === NO_MEMORY)
      return { kind: 'too_large', message: 'The picture needs more memory than one may have (MAX_IMAGE_PIXELS).' };
    // A version that no writer uses is a damaged byte.
    const unsupported = UNSUPPORTED.includes(code) && subcode !== UNKNOWN_VERSION;
    return { kind: unsupported ? 'unsupported' : 'corrupt', message };
  }
  // What the sandbox stopped: an access beyond its memory, or a C++ exception that nobody caught.
  if (error instanceof Error && error.name === 'RuntimeError') return { kind: 'corrupt', message: error.message };
  if (typeof error === 'number' || (error instanceof Error && error.name === 'CppException'))
    return { kind: 'corrupt', message: 'the decoder gave up' };
  throw error;
}

const result = answer(workerData as HeicRequest);
parentPort?.postMessage(result, result.kind === 'picture' ? [result.picture.file.buffer] : []);
