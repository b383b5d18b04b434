import type { WeightName } from "../../theory/problem.js";
import { palette } from "../report/lines.js";
import type { KernelName } from "./measurements.js";

export const kernelColor: Readonly<Record<KernelName, string>> = { softmax: palette.blue, gaussian: palette.orange };

/** The trained matrices in words; "all" stands for W^Q, W^K and W^V. */
export function trainedName(trained: readonly WeightName[]): string {
  return trained.length > 1 ? "all" : `${trained[0]} only`;
}
