import { kernels } from "attention-kernels";
import { flag, oneOf, someOf } from "../kit/settings.js";

export const kernelNames = Object.keys(kernels);
export const tokenCounts = ["64", "256", "512", "1024", "2048"] as const;
export const headCounts = ["1", "4", "8", "16"] as const;
export const widths = ["32", "64", "128"] as const;

export const schema = {
  n: oneOf<(typeof tokenCounts)[number]>("512", tokenCounts),
  heads: oneOf<(typeof headCounts)[number]>("8", headCounts),
  d: oneOf<(typeof widths)[number]>("64", widths),
  runs: oneOf<"1" | "3" | "7">("3", ["1", "3", "7"]),
  kernels: someOf<string>(kernelNames, kernelNames),
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
