// Reads the display matrix of a stream (ISO/IEC 14496-12 §8.5.2 tkhd) as ffprobe prints it. Pure; used by probe-streams.ts.

export type Orientation = {
  /** Clockwise degrees that make the picture upright. */
  readonly rotation: 0 | 90 | 180 | 270;
  /** True where the picture must be flipped left-right before it is turned. */
  readonly mirrored: boolean;
};

export const UPRIGHT: Orientation = { rotation: 0, mirrored: false };

/**
 * Rows of three numbers after an offset: `00000000: 0 65536 0`. A pixel (x, y) is shown at (a·x + c·y, b·x + d·y).
 * Angles between the quarters go to the nearest; a matrix that means nothing (all zero, not nine numbers) is upright.
 */
export function readDisplayMatrix(text: string): Orientation {
  const rows = [...text.matchAll(/^[0-9a-f]{8}:((?:\s+-?\d+){3})\s*$/gim)].map((match) =>
    (match[1] ?? '').trim().split(/\s+/).map(Number),
  );
  const [[a = 0, b = 0] = [], [c = 0, d = 0] = []] = rows;
  const determinant = a * d - b * c;
  if (rows.length !== 3 || determinant === 0) return UPRIGHT;
  const mirrored = determinant < 0;
  // Without the flip that comes first, the image of the x axis is the angle (y points down: clockwise).
  const [cosine, sine] = mirrored ? [-a, -b] : [a, b];
  return { rotation: quarter((Math.atan2(sine, cosine) * 180) / Math.PI), mirrored };
}

function quarter(degrees: number): Orientation['rotation'] {
  const turns = ((Math.round(degrees / 90) % 4) + 4) % 4;
  return ([0, 90, 180, 270] as const)[turns] ?? 0;
}

/** The same from the eight EXIF orientations (EXIF 2.3 tag 0x0112). */
export function readExifOrientation(value: number | undefined): Orientation {
  const table: Readonly<Record<number, Orientation>> = {
    2: { rotation: 0, mirrored: true },
    3: { rotation: 180, mirrored: false },
    4: { rotation: 180, mirrored: true },
    5: { rotation: 270, mirrored: true },
    6: { rotation: 90, mirrored: false },
    7: { rotation: 90, mirrored: true },
    8: { rotation: 270, mirrored: false },
  };
  return table[value ?? 1] ?? UPRIGHT;
}
