import { sumPrimitive, type ReduceAttributes } from "../autograd/broadcast.js";
import { maxPrimitive } from "../autograd/reductions.js";
import { sizeOf } from "../core/shape.js";
import reduceText from "../../shaders/ops/reduce.wgsl";
import { finiteShader, quotientShader } from "./elementwise.js";
import { dispatchEach, eachShader, implement, shader, type Recorder, type Operand } from "./implementation.js";

const reduceShaders = [eachShader, quotientShader, finiteShader, shader("ops/reduce.wgsl", reduceText)];
const folds = {
  sum: [...reduceShaders, shader("generated (sum)", "fn fold(x: f32, y: f32) -> f32 { return x + y; }")],
  max: [
    ...reduceShaders,
    shader(
      "generated (max)",
      "fn fold(x: f32, y: f32) -> f32 { return select(max(x, y), x + y, is_nan(x) || is_nan(y)); }",
    ),
  ],
};

/** Elements that one invocation folds: short, so that rounding grows with the logarithm of the length. */
export const CHUNK = 32;

/** Neighbouring axes that are reduced together: [outer, length, inner]. */
interface Run {
  outer: number;
  length: number;
  inner: number;
}

/** The reduced axes as runs, last first; earlier ones see the later ones already reduced. */
function runs(shape: readonly number[], axes: readonly number[]): Run[] {
  const extents = [...shape];
  const found: Run[] = [];
  for (let end = shape.length - 1; end >= 0; end--) {
    if (!axes.includes(end)) continue;
    let start = end;
    while (start > 0 && axes.includes(start - 1)) start--;
    found.push({
      outer: sizeOf(extents.slice(0, start)),
      length: sizeOf(extents.slice(start, end + 1)),
      inner: sizeOf(extents.slice(end + 1)),
    });
    extents.fill(1, start, end + 1);
    end = start;
  }
  return found;
}

function reduce(fold: keyof typeof folds) {
  return (recorder: Recorder, [x]: readonly Operand[], [y]: readonly Operand[], { axes }: ReduceAttributes): void => {
    const steps = runs(x.shape, axes).flatMap(({ outer, length, inner }) => {
      const split = [];
      for (let left = length; left > 1 || split.length === 0; left = Math.ceil(left / CHUNK)) {
        split.push({ outer, length: left, inner, chunks: Math.ceil(left / CHUNK) });
      }
      return split;
    });
    if (steps.length === 0) steps.push({ outer: 1, length: 1, inner: sizeOf(x.shape), chunks: 1 });
    let from = x.block;
    steps.forEach(({ outer, length, inner, chunks }, index) => {
      const count = outer * chunks * inner;
      const to = index === steps.length - 1 ? y.block : recorder.scratch(count);
      dispatchEach(recorder, count, {
        shaders: folds[fold],
        constants: { CHUNK },
        uniform: { length, inner, chunks },
        reads: { x: from },
        writes: { y: to },
      });
      from = to;
    });
  };
}

export const sum = reduce("sum");

export const reductions = [implement(sumPrimitive, sum), implement(maxPrimitive, reduce("max"))];
