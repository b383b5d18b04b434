import type { Storage } from "../core/tensor.js";
import type { Outcome } from "./faults.js";
import type { Block } from "./memory.js";
import type { GpuDType } from "./storage-type.js";

/** Memory of a `Gpu` behind one or more tensors, and what became of the work that writes it. */
export class GpuStorage implements Storage {
  constructor(
    readonly block: Block,
    readonly dtype: GpuDType,
    readonly outcome: Outcome,
    readonly read: (size: number) => Promise<Float32Array>,
    readonly release: () => void,
  ) {}
}
