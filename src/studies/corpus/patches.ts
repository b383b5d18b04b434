/** The grey level of white. */
export const WHITE = 255;

/** Square pictures of one size. */
export interface SquarePictures {
  /** Pixels of a side. */
  readonly size: number;
  /** Levels 0 to 255, picture by picture, row by row. */
  readonly pixels: Uint8Array;
}

/**
 * Square patches of pictures as tokens, row by row: `[rows.length, (size/patch)², patch²]` numbers from 0 to 1.
 *
 * `patch` must divide the size.
 */
export function patches({ size, pixels }: SquarePictures, rows: readonly number[], patch: number): Float32Array {
  const side = size / patch;
  const out = new Float32Array(rows.length * size * size);
  let at = 0;
  for (const row of rows) {
    for (let token = 0; token < side * side; token++) {
      const corner = row * size * size + Math.floor(token / side) * patch * size + (token % side) * patch;
      for (let y = 0; y < patch; y++) for (let x = 0; x < patch; x++) out[at++] = pixels[corner + y * size + x] / WHITE;
    }
  }
  return out;
}
