// What must be true of a picture made of a still: size, uprightness, likeness. Used by the corpus matrix.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { describeMedia } from '../kit/decode.ts';
import type { Checked } from './check-output.ts';
import { comparePictures } from './compare-pictures.ts';
import type { Expected } from './expected.ts';

const LEAST_SSIM = 0.85;
const LEAST_HDR_SSIM = 0.6;
const COLOUR_TOLERANCE = 8;

/** @param url where the picture is served @param format `jpg`, `png`, … */
export async function checkPicture(url: string, format: string, expected: Expected): Promise<Checked> {
  const folder = await mkdtemp(join(tmpdir(), 'rendition-still-'));
  try {
    const { video } = expected;
    if (!video) return { misses: ['no picture is expected'], notes: [] };
    const response = await fetch(url);
    if (!response.ok) return { misses: [`${format}: HTTP ${response.status}`], notes: [] };
    const bytes = Buffer.from(await response.arrayBuffer());
    // FFmpeg 5.1 misreads where AVIF's item lies (iloc with a base offset): the image library unpacks it.
    const isAvif = format === 'avif';
    const path = join(folder, `picture.${isAvif ? 'png' : format}`);
    await writeFile(path, isAvif ? await sharp(bytes).png({ compressionLevel: 1 }).toBuffer() : bytes);
    const [stream] = (await describeMedia(path)).streams;
    if (!stream) return { misses: [`${format} cannot be decoded`], notes: [] };
    const likeness = await comparePictures(expected.file, video, {
      url: path,
      stream,
      frames: [{ ticks: 0, time: 0, duration: 1 }],
    });
    const least = video.isHdr ? LEAST_HDR_SSIM : LEAST_SSIM;
    const size = `${stream.width}x${stream.height}`;
    const wanted = `${video.width}x${video.height}`;
    const misses = [
      ...(size !== wanted ? [`${format} is ${size} instead of ${wanted}`] : []),
      ...(likeness.worst < least
        ? [`${format} does not look like the source (SSIM ${likeness.worst.toFixed(3)})`]
        : []),
      ...(!video.isHdr && !video.isCmyk && likeness.colour > COLOUR_TOLERANCE
        ? [`${format}: colours are off by ${likeness.colour.toFixed(1)} of 255`]
        : []),
    ];
    return { misses, notes: [`${format} SSIM ${likeness.worst.toFixed(3)}`] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
