import { checkArguments } from "../core/options.js";
import type { AttentionKernel } from "./kernel.js";
import { attentionKernel } from "./options.js";

/** What `attention` can do with a kernel. */
export interface KernelFeatures {
  /** causal(), slidingWindow(), lengths(), booleanMask(), and(), or(). */
  readonly mask: boolean;
  /** Numbers added to the scores: dense, relative, ALiBi. */
  readonly bias: boolean;
  readonly softcap: boolean;
  /** `attentionWithStatistic`: one number a row, log-sum-exp or divisor. */
  readonly statistic: boolean;
  /** Memory on the device grows with n, not with n². */
  readonly linearMemory: boolean;
  /** `decode` needs to keep the keys of earlier tokens. */
  readonly keyCache: boolean;
}

/**
 * Which options have a meaning for a kernel; the others throw an `UnsupportedError`. Grouped heads, cross-attention, dv
 * ≠ d and decoding work with every kernel of the registry.
 */
export function kernelFeatures(kernel: AttentionKernel): KernelFeatures {
  checkArguments("kernelFeatures", { kernel }, { kernel: attentionKernel });
  const isTiled = "formula" in kernel;
  const has = (option: "mask" | "bias" | "softcap"): boolean => isTiled || (kernel.options ?? []).includes(option);
  return {
    mask: has("mask"),
    bias: has("bias"),
    softcap: has("softcap"),
    statistic: isTiled,
    linearMemory: kernel.projections !== "values",
    keyCache: kernel.projections !== "values",
  };
}
