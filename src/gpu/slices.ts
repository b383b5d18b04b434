import { concatPrimitive, slicePrimitive, writePrimitive } from "../autograd/slices.js";
import { sizeOf, type Shape } from "../core/shape.js";
import copyText from "../../shaders/ops/copy.wgsl";
import { quotientShader } from "./elementwise.js";
import { dispatchEach, eachShader, implement, shader, type Recorder, type Operand } from "./implementation.js";

const copyShaders = [eachShader, quotientShader, shader("ops/copy.wgsl", copyText)];

/**
 * Where the numbers of a part lie among those of the whole: runs of neighbours, one for every index before the axis.
 */
interface Runs {
  readonly stride: number;
  readonly start: number;
}

function copy(
  recorder: Recorder,
  from: Operand,
  source: Runs,
  to: Operand,
  target: Runs,
  count: number,
  run: number,
): void {
  dispatchEach(recorder, count, {
    shaders: copyShaders,
    uniform: {
      run,
      from_stride: source.stride,
      from_start: source.start,
      to_stride: target.stride,
      to_start: target.start,
    },
    reads: { x: from.block },
    writes: { y: to.block },
  });
}

/** Numbers below one index of the axis's left neighbour. */
const below = (shape: Shape, axis: number): number => sizeOf(shape.slice(axis));

/** Copies x to those elements of y that begin at `start` along an axis. */
function place(recorder: Recorder, x: Operand, y: Operand, axis: number, start: number): void {
  const run = below(x.shape, axis);
  const target = { stride: below(y.shape, axis), start: start * below(y.shape, axis + 1) };
  copy(recorder, x, { stride: run, start: 0 }, y, target, sizeOf(x.shape), run);
}

export const slices = [
  implement(slicePrimitive, (recorder, [x], [y], { axis, start }) => {
    const run = below(y.shape, axis);
    const source = { stride: below(x.shape, axis), start: start * below(x.shape, axis + 1) };
    copy(recorder, x, source, y, { stride: run, start: 0 }, sizeOf(y.shape), run);
  }),
  implement(concatPrimitive, (recorder, inputs, [y], { axis }) => {
    let start = 0;
    for (const x of inputs) {
      place(recorder, x, y, axis, start);
      start += x.shape[axis];
    }
  }),
  implement(writePrimitive, (recorder, [y, x], _outputs, { axis, start }) => place(recorder, x, y, axis, start)),
];
