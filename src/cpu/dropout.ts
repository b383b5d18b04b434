import { dropoutPrimitive, hash } from "../autograd/dropout.js";
import { implement } from "./backend.js";

export const dropout = implement(dropoutPrimitive, ([x], [y], { key, threshold, scale }) => {
  y.data.forEach((_, index) => {
    const isKept = hash((hash(index) + key) >>> 0) >= threshold;
    y.data[index] = (isKept ? scale : 0) * x.data[index];
  });
});
