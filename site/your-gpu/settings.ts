import { kernels } from "attention-kernels";
import { flag, oneOf, someOf } from "../kit/settings.js";

export const kernelNames = Object.keys(kernels);
export const tokenCounts = ["64", "256", "512", "1024", "2048"] as const;
export const headCounts = ["1", "4", "8", "16"] as const;
export const runCounts = ["1", "3", "7"] as const;
export const widths = ["32", "64", "128"] as const;

export const schema = {
  n: oneOf("512", tokenCounts),
  heads: oneOf("8", headCounts),
  d: oneOf("64", widths),
  runs: oneOf("3", runCounts),
  kernels: someOf(kernelNames, kernelNames),
  roofline: flag(true),
};

/** What the worker measures. */
export interface Task {
  readonly n: number;
  readonly heads: number;
  readonly d: number;
  readonly runs: number;
  readonly kernels: readonly string[];
  readonly roofline: boolean;
}
