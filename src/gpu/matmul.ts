import { matmulExtents, matmulPrimitive } from "../autograd/matmul.js";
import { ShapeError } from "../core/errors.js";
import { formatShape, sizeOf, stridesOf, type Shape } from "../core/shape.js";
import matmulText from "../../shaders/lib/matmul.wgsl";
import blocks from "../../shaders/ops/matmul.wgsl";
import broadcast from "../../shaders/ops/matmul_broadcast.wgsl";
import { implement, shader } from "./job.js";

const shared = shader("lib/matmul.wgsl", matmulText);
const blocksShaders = [shared, shader("ops/matmul.wgsl", blocks)];
const broadcastShaders = [shared, shader("ops/matmul_broadcast.wgsl", broadcast, ["subgroups"])];
const BATCH_AXES = 4;

/** Strides of an operand's matrices along the broadcast batch, in elements, padded to four axes. */
function batchStrides(own: Shape, matrix: number): number[] {
  const strides = stridesOf(own).map((stride) => stride * matrix);
  return [...new Array<number>(BATCH_AXES - strides.length).fill(0), ...strides];
}

export const matmul = implement(matmulPrimitive, (device, [a, b], [c], attributes) => {
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
  const lanes = device.variants.broadcastLanes;
  const [tileRows, tileColumns] = lanes === undefined ? [32, 32] : [8, 4 * lanes];
  device.dispatch({
    shaders: lanes === undefined ? blocksShaders : broadcastShaders,
    constants: lanes === undefined ? {} : { LANES: lanes },
    uniform: [
      ...[rows, inner, columns, aRow, aInner, bInner, bColumn, 0],
      ...extents,
      ...batchStrides(a.shape.slice(0, -2), rows * inner),
      ...batchStrides(b.shape.slice(0, -2), inner * columns),
    ],
    reads: [a.block, b.block],
    writes: [c.block],
    workgroups: [Math.ceil(columns / tileColumns), Math.ceil(rows / tileRows), sizeOf(batch)],
  });
});
