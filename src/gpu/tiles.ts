/**
 * Invocations down a block of `shaders/lib/tiles.wgsl`: with 8 across, 64, a whole number of subgroups on every adapter
 * known.
 */
export const DOWN = 8;

/** RUN rows an invocation and ACROSS invocations along a row: a block of 8·RUN rows meets 4·ACROSS columns. */
export interface Block {
  readonly RUN: number;
  readonly ACROSS: number;
}

/**
 * From the one that a multiply-add costs least on. A score takes (RUN + 4) / (16 RUN) loads of a vec4 a multiply-add: 1
 * for 10.7 at 8 rows, 1 for 8 at 4. A weighted sum takes (RUN + 4 s) / (16 RUN s) for s vec4s an invocation: at 8 rows
 * 1 for 16 of two, 1 for 10.7 of one.
 */
const BLOCKS: readonly [Block, ...Block[]] = [
  { RUN: 8, ACROSS: 8 },
  { RUN: 8, ACROSS: 16 },
  { RUN: 4, ACROSS: 8 },
];

/**
 * Vec4s of sums in registers: 128 floats, beside some 48 of rows and columns at hand, leave room below the 255 that an
 * invocation may have.
 */
const MOST_SUMS = 32;
/**
 * Vec4s of a head (d = 128) up to which the smallest block holds its sums, 36 vec4s at most. Wider heads are summed in
 * slices, by a workgroup each, which computes all scores.
 */
const WIDEST_SLICE = 32;

/** Which weighted sums a pass makes, over keys' or values' widths. */
const PASSES = {
  forward: { byKey: 0, byValue: 1 },
  query: { byKey: 1, byValue: 0 },
  keyValue: { byKey: 1, byValue: 1 },
  // What it sums has the width of neither.
  parameters: { byKey: 0, byValue: 0 },
};
/** Numbers of a row in workgroup memory: its squared length, its factor, and the state of a normaliser, at most two. */
const ROW_NUMBERS = 4;
/** Bytes of the mark that columns are not finite. */
const MARK = 4;

/**
 * The block for a pass over heads of so many vec4s: the first with its sums in registers that fits in workgroup memory,
 * else the smallest.
 */
export function blockFor(
  name: keyof typeof PASSES,
  vec4s: number,
  valueVec4s: number,
  workgroupBytes: number,
): Block & { rows: number; slices: number } {
  const { byKey, byValue } = PASSES[name];
  const widest = Math.max(byKey * vec4s, byValue * valueVec4s, 1);
  const slices = Math.ceil(widest / WIDEST_SLICE);
  const fits = ({ RUN, ACROSS }: Block): boolean => {
    const slots = (width: number): number => Math.ceil(width / (ACROSS * slices));
    const sums = RUN * (1 + byKey * slots(vec4s) + byValue * slots(valueVec4s));
    const rows = DOWN * RUN;
    return (
      sums <= MOST_SUMS &&
      16 * (rows * (ACROSS + 1) + ACROSS * (4 * ACROSS + 1)) + 4 * ROW_NUMBERS * rows + MARK <= workgroupBytes
    );
  };
  const block = BLOCKS.find(fits) ?? BLOCKS[BLOCKS.length - 1];
  return { ...block, rows: DOWN * block.RUN, slices };
}
