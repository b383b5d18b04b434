import { ArgumentError } from "../core/errors.js";
import type { Backend, Tensor } from "../core/tensor.js";
import type { TensorBuffer } from "./buffers.js";
import type { Faults } from "./faults.js";
import type { Queue } from "./queue.js";
import type { GpuStorage } from "./storage.js";
import { bytesOf } from "./storage-type.js";

/** The memory of a tensor, when all work that writes it is submitted and the device has accepted it. */
export async function bufferOf(backend: Backend, tensor: Tensor, queue: Queue, faults: Faults): Promise<TensorBuffer> {
  const where = "gpu.bufferOf";
  if (tensor.backend !== backend) {
    throw new ArgumentError({
      where,
      argument: "tensor",
      wanted: "a tensor of this Gpu",
      got: `one on ${tensor.backend.name} (${tensor.backend.device.name})`,
      fix: "Move it over first: await tensor.to(gpu).",
    });
  }
  for (;;) {
    const storage = tensor.memory(where) as GpuStorage;
    await queue.recorded;
    if (!queue.destroyed) queue.flush();
    await faults.conclude();
    faults.checkAlive();
    if (queue.destroyed)
      throw new ArgumentError({ where, wanted: "a live Gpu", got: "a disposed one", fix: "Dispose it last." });
    if (tensor.memory(where) !== storage) continue; // a step gave it other memory meanwhile
    const { block, dtype, outcome } = storage;
    const error = outcome.error ?? block.outcome.error;
    if (error !== undefined) throw faults.tell(error);
    return { buffer: block.buffer, offset: block.offset, size: bytesOf(tensor.size, dtype) };
  }
}
