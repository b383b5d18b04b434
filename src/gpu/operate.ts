import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { sizeOf, type Shape } from "../core/shape.js";
import type { Primitive, Tensor } from "../core/tensor.js";
import type { Capabilities } from "./capabilities.js";
import type { Outcome } from "./faults.js";
import type { Recorder } from "./implementation.js";
import { implementations } from "./implementations.js";
import type { Block, Pool } from "./memory.js";
import { blockOf, checkFloats, type Pass } from "./pass.js";
import type { Queue } from "./queue.js";
import type { GpuStorage } from "./storage.js";
import { bytesOf, dtypesOf, type GpuDType } from "./storage-type.js";

/** What operations run on. */
export interface Machine {
  readonly device: GPUDevice;
  readonly capabilities: Capabilities;
  readonly pool: Pool;
  readonly queue: Queue;
  readonly wrap: (block: Block, shape: Shape, dtype: GpuDType, outcome: Outcome) => Tensor;
}

/** Refuses to write a caller's memory. */
function checkWrites(where: string, { writes }: Pass): void {
  for (const name in writes) {
    if (blockOf(writes[name]).pool !== undefined) continue;
    throw new ArgumentError({
      where,
      wanted: "memory of this library to write",
      got: "the buffer that gpu.fromBuffer was given",
      fix: "Copy it first, as ops.multiply(tensor, 1) does.",
    });
  }
}

/** Queues one primitive. */
export function operate<Attributes>(
  { device, capabilities, pool, queue, wrap }: Machine,
  primitive: Primitive<Attributes>,
  inputs: readonly Tensor[],
  attributes: Attributes,
): Tensor[] {
  const implementation = implementations.get(primitive);
  if (implementation === undefined) {
    throw new UnsupportedError({
      where: primitive.name,
      wanted: "an operation of the gpu backend",
      got: "an unknown one",
    });
  }
  const where = primitive.operation?.(attributes) ?? primitive.name;
  const rehearsed = queue.rehearsal?.outcome;
  const causes: Outcome[] = [];
  let failed: Outcome | undefined;
  const operands = inputs.map((tensor) => {
    const { block, dtype, outcome } = tensor.memory(primitive.name) as GpuStorage;
    if (outcome.error !== undefined) {
      if (outcome !== rehearsed) failed = outcome;
    } else if (outcome.open) causes.push(outcome);
    return { shape: tensor.shape, dtype, block };
  });
  const shapes = primitive.infer(
    operands.map(({ shape }) => shape),
    attributes,
  );
  const dtypes = dtypesOf(primitive, operands, attributes, device);
  // What failed cannot be computed with; its memory may be missing, and commands that use it would fail with all
  // beside them.
  if (failed !== undefined)
    return shapes.map((shape, index) => wrap(pool.take(where, 0), shape, dtypes?.[index] ?? "f32", failed!));
  const outputs = shapes.map((shape, index) => {
    const dtype = dtypes?.[index] ?? "f32";
    return { shape, dtype, block: pool.take(primitive.name, bytesOf(sizeOf(shape), dtype)) };
  });
  const temporary: Block[] = [];
  const take = (bytes: number): Block => {
    const block = pool.take(primitive.name, bytes);
    temporary.push(block);
    return block;
  };
  const recorder: Recorder = {
    limits: device.limits,
    capabilities,
    dispatch: (pass) => {
      checkFloats(where, pass);
      checkWrites(where, pass);
      queue.dispatch(pass);
    },
    scratch: (elements) => take(4 * elements),
    upload: (values) => {
      const block = take(4 * values.length);
      queue.upload(block, Uint32Array.from(values));
      return block;
    },
  };
  const outcome = queue.begin(causes);
  try {
    implementation(recorder, operands, outputs, attributes as never);
  } catch (error) {
    for (const { block } of outputs) pool.give(block);
    throw error;
  } finally {
    // Commands run in the order they were recorded, so memory may serve again as soon as its last use is recorded.
    for (const block of temporary) pool.give(block);
  }
  return outputs.map(({ shape, block, dtype }) => wrap(block, shape, dtype, outcome));
}
