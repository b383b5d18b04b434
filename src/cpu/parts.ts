import { concatPrimitive, slicePrimitive } from "../autograd/parts.js";
import { sizeOf } from "../core/shape.js";
import { implement } from "./backend.js";

export const parts = [
  implement(slicePrimitive, ([x], [y], { axis, start }) => {
    const [stride, run, inner] = [sizeOf(x.shape.slice(axis)), sizeOf(y.shape.slice(axis)), sizeOf(x.shape.slice(axis + 1))];
    for (let at = 0, from = start * inner; at < y.data.length; at += run, from += stride) y.data.set(x.data.subarray(from, from + run), at);
  }),
  implement(concatPrimitive, (inputs, [y], { axis }) => {
    const stride = sizeOf(y.shape.slice(axis));
    let start = 0;
    for (const { shape, data } of inputs) {
      const run = sizeOf(shape.slice(axis));
      for (let at = start, from = 0; from < data.length; at += stride, from += run) y.data.set(data.subarray(from, from + run), at);
      start += run;
    }
  }),
];
