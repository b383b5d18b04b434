import type { Backend } from "../core/tensor.js";
import { attention } from "./attention.js";
import { createCpu, type Implementations } from "./backend.js";
import { dropout } from "./dropout.js";
import { elementwise } from "./elementwise.js";
import { matmul } from "./matmul.js";
import { slices } from "./slices.js";
import { reductions } from "./reductions.js";

/** Every primitive in float64. */
export const float64: Implementations = new Map([
  ...elementwise,
  ...slices,
  ...reductions,
  matmul,
  dropout,
  ...attention,
]);

/** The float64 backend: computes at once, in blocks by WebAssembly where the program allows it. */
export const cpu: Backend = createCpu("float64 on the CPU", (size) => new Float64Array(size), float64);
