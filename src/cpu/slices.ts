import { concatPrimitive, slicePrimitive, writePrimitive } from "../autograd/slices.js";
import { sizeOf } from "../core/shape.js";
import { implement, type Operand } from "./backend.js";

/** Copies the elements of `part` to, or from, those of `whole` that begin at `start` along an axis. */
function exchange(whole: Operand, part: Operand, axis: number, start: number, into: "whole" | "part"): void {
  const [stride, run] = [whole, part].map(({ shape }) => sizeOf(shape.slice(axis)));
  let place = start * sizeOf(whole.shape.slice(axis + 1));
  for (let at = 0; at < part.data.length; at += run, place += stride) {
    if (into === "whole") whole.data.set(part.data.subarray(at, at + run), place);
    else part.data.set(whole.data.subarray(place, place + run), at);
  }
}

export const slices = [
  implement(slicePrimitive, ([x], [y], { axis, start }) => exchange(x, y, axis, start, "part")),
  implement(concatPrimitive, (inputs, [y], { axis }) => {
    let start = 0;
    for (const x of inputs) {
      exchange(y, x, axis, start, "whole");
      start += x.shape[axis];
    }
  }),
  implement(writePrimitive, ([y, x], _outputs, { axis, start }) => exchange(y, x, axis, start, "whole")),
];
