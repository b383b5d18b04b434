import { matmulExtents, matmulPrimitive, type MatmulAttributes } from "../autograd/matmul.js";
import { ShapeError } from "../core/errors.js";
import { formatShape, sizeOf, stridesOf, type Shape } from "../core/shape.js";
import matmulText from "../../shaders/lib/matmul.wgsl";
import elementsText from "../../shaders/lib/matmul_elements.wgsl";
import blocks from "../../shaders/ops/matmul.wgsl";
import broadcast from "../../shaders/ops/matmul_broadcast.wgsl";
import wide from "../../shaders/ops/matmul_wide.wgsl";
import type { Shader } from "../kernels/kernel.js";
import { groupsFor, implement, shader, type Recorder } from "./implementation.js";
import { arrayOf, vec4u } from "./pass.js";

const shared = shader("lib/matmul.wgsl", matmulText);
const elements = shader("lib/matmul_elements.wgsl", elementsText);
const blocksShaders = [shared, elements, shader("ops/matmul.wgsl", blocks)];
const broadcastShaders = [shared, elements, shader("ops/matmul_broadcast.wgsl", broadcast, ["subgroups"])];
const wideShaders = [shared, shader("ops/matmul_wide.wgsl", wide, ["subgroups"])];
const BATCH_AXES = 4;

/** Strides of an operand's matrices along the broadcast batch, in elements, padded to four axes. */
function batchStrides(own: Shape, matrix: number): number[] {
  const strides = stridesOf(own).map((stride) => stride * matrix);
  return [...new Array<number>(BATCH_AXES - strides.length).fill(0), ...strides];
}

interface Form {
  readonly shaders: readonly Shader[];
  readonly constants: Readonly<Record<string, number>>;
  /** Rows and columns of the product that a workgroup makes. */
  readonly tile: readonly [number, number];
  /** What memory is an array of. */
  readonly element: "f32" | "vec4f";
}

/** Rows and columns of a block in workgroup memory. */
const BLOCK = 32;
/** Rows, and columns for every lane, where lanes hand each other what they load. */
const [ROWS, COLUMNS] = [8, 4];

/** The form that suits the adapter; with `whole`, the rows of every operand in memory are whole vec4s. */
function formOf(
  { capabilities: { broadcastLanes: LANES } }: Recorder,
  { transposeA, transposeB }: MatmulAttributes,
  whole: boolean,
): Form {
  if (LANES === undefined)
    return { shaders: blocksShaders, constants: { BLOCK }, tile: [BLOCK, BLOCK], element: "f32" };
  const tile: Form["tile"] = [ROWS, COLUMNS * LANES];
  if (!whole) return { shaders: broadcastShaders, constants: { LANES }, tile, element: "f32" };
  return {
    shaders: wideShaders,
    constants: { LANES, ROWS, A_ACROSS: Number(transposeA), B_ACROSS: Number(transposeB) },
    tile,
    element: "vec4f",
  };
}

export const matmul = implement(matmulPrimitive, (recorder, [a, b], [c], attributes) => {
  const { batch, rows, inner, columns } = matmulExtents(a.shape, b.shape, attributes);
  if (batch.length > BATCH_AXES) {
    throw new ShapeError({
      where: "matmul",
      wanted: `at most ${BATCH_AXES} batch axes on a GPU`,
      got: formatShape(batch),
      fix: "Reshape neighbouring axes into one.",
    });
  }
  const extents = [...new Array<number>(BATCH_AXES - batch.length).fill(1), ...batch];
  const [aRow, aInner] = attributes.transposeA ? [1, rows] : [inner, 1];
  const [bInner, bColumn] = attributes.transposeB ? [1, inner] : [columns, 1];
  const whole = [inner, columns, attributes.transposeA ? rows : 0].every((extent) => extent % 4 === 0);
  const { shaders, constants, tile, element } = formOf(recorder, attributes, whole);
  const rowTiles = Math.ceil(rows / tile[0]);
  const [y, z] = groupsFor(rowTiles * sizeOf(batch), recorder.limits, 1);
  recorder.dispatch({
    shaders,
    constants,
    uniform: {
      rows,
      inner,
      columns,
      a_row: aRow,
      a_inner: aInner,
      b_inner: bInner,
      b_column: bColumn,
      row_tiles: rowTiles,
      extents: vec4u(extents),
      a_batch: vec4u(batchStrides(a.shape.slice(0, -2), rows * inner)),
      b_batch: vec4u(batchStrides(b.shape.slice(0, -2), inner * columns)),
      batches: sizeOf(batch),
    },
    reads: { a: arrayOf(element, a.block), b: arrayOf(element, b.block) },
    writes: { c: arrayOf(element, c.block) },
    workgroups: [Math.ceil(columns / tile[1]), y, z],
  });
});
