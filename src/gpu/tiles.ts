/** Invocations down a block of `shaders/lib/tiles.wgsl`: with 8 across, 64, a whole number of subgroups on every adapter known. */
const DOWN = 8;

/** RUN rows an invocation and ACROSS invocations along a row: a block of 8·RUN rows meets 4·ACROSS columns. */
export interface Block {
  readonly RUN: number;
  readonly ACROSS: number;
}

/**
 * From the one that a multiply-add costs least on. A score takes (RUN + 4) / (16 RUN) loads of a vec4 a multiply-add: 1 for 10.7 at 8 rows, 1
 * for 8 at 4. A weighted sum takes (RUN + 4 s) / (16 RUN s) for s vec4s an invocation: at 8 rows 1 for 16 of two, 1 for 10.7 of one.
 */
const BLOCKS: readonly [Block, ...Block[]] = [{ RUN: 8, ACROSS: 8 }, { RUN: 8, ACROSS: 16 }, { RUN: 4, ACROSS: 8 }];

/** Vec4s of sums in registers: 128 floats, beside some 48 of rows and columns at hand, leave room below the 255 that an invocation may have. */
const MOST_SUMS = 32;
/** The narrowest limit of sums that fits nowhere else spills: from so many vec4s of a head on, the plain form is used. */
export const WIDEST_TILED = 32;

/** Products of rows in registers at a time, and which weighted sums they go into, over keys' or values' widths. */
const SUMS = {
  forward: { products: 1, byKey: 0, byValue: 1 },
  query: { products: 2, byKey: 1, byValue: 0 },
  keyValue: { products: 2, byKey: 1, byValue: 1 },
};

/** Bytes of workgroup memory: both sides with their stride of ACROSS + 1 vec4s, and for each row at most three numbers. */
function bytesOf({ RUN, ACROSS }: Block): number {
  return 16 * (DOWN * RUN + 4 * ACROSS) * (ACROSS + 1) + 12 * DOWN * RUN;
}

/** The block for a pass over heads of so many vec4s: the first with its sums in registers that fits in workgroup memory, else the smallest. */
export function blockFor(name: keyof typeof SUMS, parts: number, valueParts: number, workgroupBytes: number): Block & { rows: number } {
  const { products, byKey, byValue } = SUMS[name];
  const fits = (block: Block): boolean => {
    const { RUN, ACROSS } = block;
    const sums = RUN * (products + byKey * Math.ceil(parts / ACROSS) + byValue * Math.ceil(valueParts / ACROSS));
    return sums <= MOST_SUMS && bytesOf(block) <= workgroupBytes;
  };
  const block = BLOCKS.find(fits) ?? BLOCKS[BLOCKS.length - 1];
  return { ...block, rows: DOWN * block.RUN };
}
