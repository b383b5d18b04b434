import {
  matmulExtents,
  matmulPrimitive,
  TOKENS_AT_ONCE,
  type MatmulAttributes,
  type MatmulExtents,
  type MatmulPlace,
} from "../autograd/matmul.js";
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
import { quotientShader } from "./elementwise.js";
import { isLongWork } from "./forms.js";
import { groupsFor, implement, numbersOf, shader, type Recorder } from "./implementation.js";
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

/** Rows and columns of a block in workgroup memory. */
const BLOCK = 32;
/** Rows, and columns for every lane, where lanes hand each other what they load. */
const [SHORT_ROWS, COLUMNS] = [8, 4];
/** Rows in long work, with whole vec4s: a load of B serves twice as many, and the program compiles for longer. */
const LONG_ROWS = TOKENS_AT_ONCE;
/** Multiply-adds that take as long as a pair of tokens in attention. */
const PAIR = 256;

/** How an axis lies in memory: the step along it, and the skip after every so many. */
type AxisLayout = readonly [step: number, every: number, skip: number];

/** Where the operands lie, as `lib/matmul_elements.wgsl` and `ops/matmul_wide.wgsl` read it. */
function layoutOf(
  { transposeA, transposeB, heads }: MatmulAttributes,
  { rows, inner, columns }: MatmulExtents,
): Pass["uniform"] {
  /** The outer and the inner axis of an operand; with `across` its rows in memory lie along the outer one. */
  const axesOf = (place: MatmulPlace, across: boolean, outer: number, along: number): [AxisLayout, AxisLayout] => {
    const [height, width] = across ? [along, outer] : [outer, along];
    const isSplit = heads?.of === place;
    const [tokens, dim] = isSplit ? [heads.tokens, heads.dim] : [height, width];
    const axes: [AxisLayout, AxisLayout] = [
      [dim, tokens, tokens * (width - dim)],
      [1, dim, isSplit ? (tokens - 1) * dim : 0],
    ];
    return across ? [axes[1], axes[0]] : axes;
  };
  const [aRows, aInner] = axesOf("a", transposeA, rows, inner);
  const [bColumns, bInner] = axesOf("b", !transposeB, columns, inner);
  const run = Math.min(aInner[1], bInner[1]);
  const withRuns = (outer: AxisLayout, [step, , skip]: AxisLayout) => vec4u([...outer, run * step + skip]);
  const [cRows, cColumns] = axesOf("c", false, rows, columns);
  return {
    a_inner: aInner[0],
    b_inner: bInner[0],
    run,
    a_rows: withRuns(aRows, aInner),
    b_columns: withRuns(bColumns, bInner),
    c_rows: vec4u([...cRows, 0]),
    c_columns: vec4u([...cColumns, 0]),
  };
}

interface Form {
  readonly shaders: readonly Shader[];
  readonly constants: Readonly<Record<string, number>>;
  /** Rows and columns of the product that a workgroup makes. */
  readonly tile: readonly [number, number];
  /** Whether memory is read and written in vec4s. */
  readonly isWide: boolean;
}

/** The form that suits the adapter. */
function formOf(
  { capabilities }: Recorder,
  { transposeA, transposeB }: MatmulAttributes,
  { batch, rows, inner, columns }: MatmulExtents,
): Form {
  const LANES = capabilities.broadcastLanes;
  if (LANES === undefined) return { shaders: blocksShaders, constants: { BLOCK }, tile: [BLOCK, BLOCK], isWide: false };
  const isWide = [inner, columns, transposeA ? rows : 0].every((extent) => extent % 4 === 0);
  const isLong = isWide && isLongWork(capabilities, "matmul", (sizeOf(batch) * rows * inner * columns) / PAIR);
  const ROWS = isLong ? LONG_ROWS : SHORT_ROWS;
  return {
    shaders: isWide ? wideShaders : broadcastShaders,
    constants: { LANES, ROWS, ...(isWide && { A_ACROSS: Number(transposeA), B_ACROSS: Number(transposeB) }) },
    tile: [ROWS, COLUMNS * LANES],
    isWide,
  };
}

export const matmul = implement(matmulPrimitive, (recorder, [a, b, bias], [c], attributes) => {
  const extents = matmulExtents(a.shape, b.shape, attributes);
  const { batch, rows, inner, columns } = extents;
  if (batch.length > BATCH_AXES) {
    throw new ShapeError({
      where: "matmul",
      wanted: `at most ${BATCH_AXES} batch axes on a GPU`,
      got: formatShape(batch),
      fix: "Reshape neighbouring axes into one.",
    });
  }
  const { shaders, constants, tile, isWide } = formOf(recorder, attributes, extents);
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
      tile_rows: tile[0],
      extents: vec4u([...new Array<number>(BATCH_AXES - batch.length).fill(1), ...batch]),
      a_batch: vec4u(batchStrides(a.shape.slice(0, -2), rows * inner)),
      b_batch: vec4u(batchStrides(b.shape.slice(0, -2), inner * columns)),
      batches: sizeOf(batch),
      ...layoutOf(attributes, extents),
    },
    reads: { a: of(a), b: of(b), ...(bias !== undefined && { bias: of(bias) }) },
    writes: { c: of(c) },
    workgroups: [Math.ceil(columns / tile[1]), y, z],
  });
});
