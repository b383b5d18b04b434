import { matmulExtents, matmulPrimitive, type MatmulAttributes, type MatmulExtents } from "../autograd/matmul.js";
import { ShapeError } from "../core/errors.js";
import { formatShape, sizeOf, stridesOf, type Shape } from "../core/shape.js";
import matmulText from "../../shaders/lib/matmul.wgsl";
import biasText from "../../shaders/lib/matmul_bias.wgsl";
import elementsText from "../../shaders/lib/matmul_elements.wgsl";
import noBiasText from "../../shaders/lib/matmul_no_bias.wgsl";
import blocks from "../../shaders/ops/matmul.wgsl";
import broadcast from "../../shaders/ops/matmul_broadcast.wgsl";
import wide from "../../shaders/ops/matmul_wide.wgsl";
import type { Shader } from "../kernels/kernel.js";
import { permute, quotientShader } from "./elementwise.js";
import { groupsFor, implement, numbersOf, shader, type Operand, type Recorder } from "./implementation.js";
import { vec4u, type Pass } from "./pass.js";

const shared = shader("lib/matmul.wgsl", matmulText);
const elements = shader("lib/matmul_elements.wgsl", elementsText);
const blocksShaders = [shared, elements, shader("ops/matmul.wgsl", blocks)];
const broadcastShaders = [shared, elements, shader("ops/matmul_broadcast.wgsl", broadcast, ["subgroups"])];
const wideShaders = [shared, quotientShader, shader("ops/matmul_wide.wgsl", wide, ["subgroups"])];
const withBias = shader("lib/matmul_bias.wgsl", biasText);
const withoutBias = shader("lib/matmul_no_bias.wgsl", noBiasText);
const BATCH_AXES = 4;

/** Strides of an operand's matrices along the broadcast batch, in elements, padded to four axes. */
function batchStrides(own: Shape, matrix: number): number[] {
  const strides = stridesOf(own).map((stride) => stride * matrix);
  return [...new Array<number>(BATCH_AXES - strides.length).fill(0), ...strides];
}

interface Form {
  readonly shaders: readonly Shader[];
  readonly constants: Readonly<Record<string, number>>;
  /** What only this form has in its uniform. */
  readonly uniform: Pass["uniform"];
  /** Rows and columns of the product that a workgroup makes. */
  readonly tile: readonly [number, number];
  /** Whether memory is read and written in vec4s. */
  readonly isWide: boolean;
}

/** Rows and columns of a block in workgroup memory. */
const BLOCK = 32;
/** Rows, and columns for every lane, where lanes hand each other what they load. */
const [ROWS, COLUMNS] = [8, 4];

/** The uniform of `ops/matmul_wide.wgsl` beside what all forms have. */
function wideUniform(
  { transposeA, transposeB, heads }: MatmulAttributes,
  { inner, ...extents }: MatmulExtents,
  steps: Readonly<Record<"a_row" | "a_inner" | "b_inner" | "b_column", number>>,
): Pass["uniform"] {
  const uniform = { ...steps, run: inner, c_row: extents.columns };
  const [a, b, c] = [
    [1, 0, 0, 0],
    [1, 0, 0, 0],
    [1, 0, 1, 0],
  ]; // an axis that is even is one of runs without a skip
  if (heads !== undefined) {
    const { of, tokens, dim } = heads;
    const width = { a: transposeA ? extents.rows : inner, b: transposeB ? inner : extents.columns, c: extents.columns };
    const [head, entry] = [tokens * dim, tokens * width[of]];
    const [byToken, byHead] = [
      [tokens, entry - head],
      [dim, head - dim],
    ] as const;
    if (of === "c") {
      uniform.c_row = dim;
      c.splice(0, 4, ...byToken, ...byHead);
    } else {
      // Whether the inner axis is that of the tokens; the step from one to the next is dim.
      const overTokens = of === "a" ? transposeA : !transposeB;
      const [inside, outside] = of === "a" ? (["a_inner", "a_row"] as const) : (["b_inner", "b_column"] as const);
      uniform[overTokens ? inside : outside] = dim;
      uniform.run = overTokens ? tokens : dim;
      (of === "a" ? a : b).splice(0, 3, ...(overTokens ? byHead : byToken), overTokens ? entry : head);
      if (of === "a") b[2] = uniform.run * uniform.b_inner;
      else a[2] = uniform.run * uniform.a_inner;
    }
  }
  return { ...uniform, a_layout: vec4u(a), b_layout: vec4u(b), c_layout: vec4u(c) };
}

/** Whether the rows of every operand in memory are whole vec4s. */
const areWhole = ({ transposeA }: MatmulAttributes, { rows, inner, columns }: MatmulExtents): boolean =>
  [inner, columns, transposeA ? rows : 0].every((extent) => extent % 4 === 0);

/** The form that suits the adapter. */
function formOf(
  { capabilities: { broadcastLanes: LANES } }: Recorder,
  attributes: MatmulAttributes,
  extents: MatmulExtents,
): Form {
  const { transposeA, transposeB } = attributes;
  const { rows, inner, columns } = extents;
  const [aRow, aInner] = transposeA ? [1, rows] : [inner, 1];
  const [bInner, bColumn] = transposeB ? [1, inner] : [columns, 1];
  const uniform = { a_row: aRow, a_inner: aInner, b_inner: bInner, b_column: bColumn };
  if (LANES === undefined)
    return { shaders: blocksShaders, constants: { BLOCK }, uniform, tile: [BLOCK, BLOCK], isWide: false };
  const tile: Form["tile"] = [ROWS, COLUMNS * LANES];
  if (!areWhole(attributes, extents))
    return { shaders: broadcastShaders, constants: { LANES }, uniform, tile, isWide: false };
  return {
    shaders: wideShaders,
    constants: { LANES, ROWS, A_ACROSS: Number(transposeA), B_ACROSS: Number(transposeB) },
    uniform: wideUniform(attributes, extents, uniform),
    tile,
    isWide: true,
  };
}

/** Whether a form takes what lies in heads as it is: rows and steps that it takes together are of one entry or head. */
function takesHeads({ capabilities }: Recorder, attributes: MatmulAttributes, extents: MatmulExtents): boolean {
  const { tokens, dim } = attributes.heads!;
  const fits = dim % 4 === 0 && tokens % ROWS === 0;
  return fits && capabilities.broadcastLanes !== undefined && areWhole(attributes, extents);
}

/** An operand in heads as the matrix that it stands for, copied into its layout if asked. */
function merged(recorder: Recorder, x: Operand, isCopied: boolean): Operand {
  const [batch, heads, tokens, dim] = x.shape as [number, number, number, number];
  const block = isCopied ? recorder.scratch(sizeOf(x.shape)) : x.block;
  if (isCopied) permute(recorder, x, { ...x, shape: [batch, tokens, heads, dim], block }, [0, 2, 1, 3]);
  return { ...x, shape: [batch * tokens, heads * dim], block };
}

export const matmul = implement(matmulPrimitive, (recorder, [left, right, bias], [c], attributes) => {
  const extents = matmulExtents(left.shape, right.shape, attributes);
  const { batch, rows, inner, columns } = extents;
  if (batch.length > BATCH_AXES) {
    throw new ShapeError({
      where: "matmul",
      wanted: `at most ${BATCH_AXES} batch axes on a GPU`,
      got: formatShape(batch),
      fix: "Reshape neighbouring axes into one.",
    });
  }
  const { heads } = attributes;
  const isCopied = heads !== undefined && !takesHeads(recorder, attributes, extents);
  const taken = isCopied ? { ...attributes, heads: undefined } : attributes;
  const { shaders, constants, uniform, tile, isWide } = formOf(recorder, taken, extents);
  const a = heads?.of === "a" ? merged(recorder, left, isCopied) : left;
  const b = heads?.of === "b" ? merged(recorder, right, isCopied) : right;
  const isSplit = heads?.of === "c" && isCopied;
  const product = isSplit ? recorder.scratch(rows * columns) : c.block;
  const rowTiles = Math.ceil(rows / tile[0]);
  const [y, z] = groupsFor(rowTiles * sizeOf(batch), recorder.limits, 1);
  const { alias, of } = numbersOf(isWide ? columns : 1);
  recorder.dispatch({
    shaders: [...shaders, alias, bias === undefined ? withoutBias : withBias],
    constants,
    uniform: {
      rows,
      inner,
      columns,
      row_tiles: rowTiles,
      extents: vec4u([...new Array<number>(BATCH_AXES - batch.length).fill(1), ...batch]),
      a_batch: vec4u(batchStrides(a.shape.slice(0, -2), rows * inner)),
      b_batch: vec4u(batchStrides(b.shape.slice(0, -2), inner * columns)),
      batches: sizeOf(batch),
      ...uniform,
    },
    reads: { a: of(a.block), b: of(b.block), ...(bias !== undefined && { bias: of(bias.block) }) },
    writes: { c: of(product) },
    workgroups: [Math.ceil(columns / tile[1]), y, z],
  });
  if (isSplit) {
    const [entries, count, tokens, dim] = c.shape as [number, number, number, number];
    permute(recorder, { ...c, shape: [entries, tokens, count, dim], block: product }, c, [0, 2, 1, 3]);
  }
});
