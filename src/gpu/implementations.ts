import { attention } from "./attention.js";
import { dropout } from "./dropout.js";
import { elementwise } from "./elementwise.js";
import type { Implementations } from "./implementation.js";
import { matmul } from "./matmul.js";
import { recenter } from "./recenter.js";
import { reductions } from "./reductions.js";
import { rowwise } from "./rowwise.js";
import { slices } from "./slices.js";

/** The primitives of the GPU backend. */
export const implementations: Implementations = new Map([
  ...elementwise,
  ...slices,
  ...reductions,
  ...rowwise,
  matmul,
  dropout,
  ...attention,
  recenter,
]);
