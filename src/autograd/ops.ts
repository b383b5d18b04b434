export {
  abs,
  add,
  addScaled,
  atan2,
  cos,
  divide,
  eluPlusOne,
  equal,
  exp,
  gelu,
  log,
  multiply,
  power,
  relu,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  subtract,
  tanh,
} from "./arithmetic.js";
export { expand, permute, reshape, sum } from "./broadcast.js";
export { cast } from "./cast.js";
export { dropout } from "./dropout.js";
export { crossEntropy, embedding, meanSquaredError } from "./lookup.js";
export { matmul } from "./matmul.js";
export { concat, slice } from "./slices.js";
export { max, mean } from "./reductions.js";
export { layerNorm, softmax } from "./rows.js";
export { stopGradient } from "./tape.js";
