import {
  cpu,
  factored,
  random,
  relativePosition,
  softmax,
  spatial,
  symmetric,
  type AttentionKernel,
} from "../../src/index.js";
import { isTensor } from "../../src/core/is-tensor.js";
import { mapTree } from "../../src/core/tree.js";
import type { AnsatzParameters } from "../../src/physics/index.js";

/** Kernels with which lanes of the CPU compute log ψ. */
export const laneKernels: Readonly<Record<string, (periodic: number[]) => AttentionKernel>> = {
  factored: () => factored(),
  "factored (periodic)": (periodic) => factored({ periodic }),
  "spatial (periodic)": (periodic) => spatial({ periodic }),
  spatial: () => spatial(),
  softmax: () => softmax({ scale: 0.3 }),
  symmetric: () => symmetric(),
  relativePosition: () => relativePosition(),
  "relativePosition (periodic)": (periodic) => relativePosition({ periodic, scale: 2 }),
};

/** Sets every tensor to normal numbers of its own, those that kernels learn with the spread `learned`. */
export function disturb(parameters: AnsatzParameters, seed: number, spread = 0.5, learned = spread): AnsatzParameters {
  const stream = random(seed);
  mapTree(parameters, isTensor, (tensor, path) => {
    const own = path.includes("learned") ? learned : spread;
    tensor.assign(cpu.tensor(stream.normals(tensor.size, own), tensor.shape));
    return tensor;
  });
  return parameters;
}
