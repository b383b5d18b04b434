import { checkData, lengthOf, tensorOptions } from "../core/checks.js";
import { ArgumentError, DeviceError, UnsupportedError } from "../core/errors.js";
import { anyNumber, callable } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { printsAsText } from "../core/printing.js";
import { checkShape, sizeOf, type Shape } from "../core/shape.js";
import {
  keep,
  scope,
  Tensor,
  type Backend,
  type DeviceDescription,
  type Primitive,
  type Storage,
  type TensorOptions,
} from "../core/tensor.js";
import { describeAdapter, NULL_ADAPTER, releaseInstance } from "./adapter.js";
import { capabilitiesOf, type Capabilities } from "./capabilities.js";
import { fill } from "./elementwise.js";
import { Faults, outcomeOf, type Outcome } from "./faults.js";
import type { Recorder } from "./implementation.js";
import { implementations } from "./implementations.js";
import { Pool, type Block } from "./memory.js";
import { checkFloats } from "./pass.js";
import type { Profile } from "./profile.js";
import { Queue } from "./queue.js";
import { Readback } from "./readback.js";
import { bytesOf, checkDType, decode, dtypesOf, encode, type GpuDType } from "./storage-type.js";
import { BufferUsage } from "./webgpu-constants.js";

/** Device memory of a `Gpu`, in bytes. */
export interface GpuMemory {
  /** All buffers, free ones included. */
  readonly allocated: number;
  /** Buffers that live tensors hold. */
  readonly used: number;
}

/**
 * The WebGPU backend: float32, hand-written WGSL, and float16 as storage where the adapter has shader-f16.
 *
 * Operations queue work and return at once; only `tensor.read()` waits. Freed memory is pooled, pipelines are cached.
 * Work that fails on the device rejects every `read()` of what it should have computed, and of all that was computed
 * from that. Made by `requestGpu` and `wrapDevice`; disposable.
 */
export class Gpu implements Backend {
  readonly name = "gpu";
  readonly device: DeviceDescription;
  readonly dtypes: readonly GpuDType[];
  readonly scope = scope;
  readonly keep = keep;
  readonly #device: GPUDevice;
  readonly #owned: boolean;
  readonly #faults: Faults;
  readonly #pool: Pool;
  readonly #staging: Pool;
  readonly #queue: Queue;
  readonly #readback: Readback;
  readonly #capabilities: Capabilities;
  #disposed = false;

  /** @internal */
  constructor(device: GPUDevice, owned: boolean, capabilities?: Capabilities) {
    this.#device = device;
    this.#owned = owned;
    this.device = describeAdapter(device);
    this.dtypes = device.features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
    this.#capabilities = capabilities ?? capabilitiesOf(device, this.device);
    this.#faults = new Faults(device);
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    this.#pool = new Pool(
      device,
      this.#faults,
      BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST,
      limit,
    );
    this.#staging = new Pool(device, this.#faults, BufferUsage.MAP_READ | BufferUsage.COPY_DST, maxBufferSize);
    this.#queue = new Queue(device, this.#faults, [this.#pool, this.#staging]);
    this.#readback = new Readback(device, this.#faults, this.#queue, this.#staging, this.device.name !== NULL_ADAPTER);
  }

  /**
   * Whether attention over float16 runs by subgroup matrices: they were asked for, and the adapter has what it takes.
   */
  get subgroupMatrices(): boolean {
    return this.#capabilities.matrixUnit !== undefined;
  }

  /** Bytes on the device. */
  get memory(): GpuMemory {
    return { allocated: this.#pool.allocated + this.#staging.allocated, used: this.#pool.used };
  }

  /**
   * A tensor of these numbers, row-major. With dtype "f16" each is rounded to a nearest float16; `attention` and
   * `ops.cast` take those.
   */
  tensor(data: ArrayLike<number>, shape: Shape = lengthOf("gpu.tensor", data), options: TensorOptions = {}): Tensor {
    const { dtype = "f32" } = checkOptions("gpu.tensor", options, tensorOptions);
    this.#checkUsable("gpu.tensor");
    checkData("gpu.tensor", data, shape);
    const stored = checkDType("gpu.tensor", this.#device, dtype);
    const words = encode("gpu.tensor", "data", data, stored);
    const block = this.#pool.take("gpu.tensor", words.byteLength);
    const outcome = outcomeOf();
    this.#queue.upload(block, words, outcome);
    return this.#wrap(block, shape, stored, outcome);
  }

  /** A tensor with one value everywhere. Throws a `NonFiniteError` for a finite one that is beyond the dtype. */
  full(value: number, shape: Shape, options: TensorOptions = {}): Tensor {
    const { dtype = "f32" } = checkOptions("gpu.full", options, tensorOptions);
    checkArguments("gpu.full", { value }, { value: anyNumber });
    this.#checkUsable("gpu.full");
    checkShape("gpu.full", shape);
    const stored = checkDType("gpu.full", this.#device, dtype);
    const bytes = bytesOf(sizeOf(shape), stored);
    const [word] = new Uint32Array(
      encode("gpu.full", "value", stored === "f16" ? [value, value] : [value], stored).buffer,
    );
    const block = this.#pool.take("gpu.full", bytes);
    const outcome = (this.#queue.operation = outcomeOf());
    fill({ limits: this.#device.limits, dispatch: (pass) => this.#queue.dispatch(pass) }, block, bytes / 4, word);
    return this.#wrap(block, shape, stored, outcome);
  }

  /** @internal */
  run<Attributes>(primitive: Primitive<Attributes>, inputs: readonly Tensor[], attributes: Attributes): Tensor[] {
    this.#checkUsable(primitive.name);
    const implementation = implementations.get(primitive);
    if (implementation === undefined) {
      throw new UnsupportedError({
        where: primitive.name,
        wanted: "an operation of the gpu backend",
        got: "an unknown one",
      });
    }
    const where = primitive.operation?.(attributes) ?? primitive.name;
    const causes: Outcome[] = [];
    let failed: Outcome | undefined;
    const operands = inputs.map((tensor) => {
      const { block, dtype, outcome } = tensor.memory(primitive.name) as GpuStorage;
      if (outcome.error !== undefined) failed = outcome;
      else if (outcome.open) causes.push(outcome);
      return { shape: tensor.shape, dtype, block };
    });
    const shapes = primitive.infer(
      operands.map(({ shape }) => shape),
      attributes,
    );
    const dtypes = dtypesOf(primitive, operands, attributes, this.#device);
    // What failed cannot be computed with; its memory may be missing, and commands that use it would fail with all
    // beside them.
    if (failed !== undefined)
      return shapes.map((shape, index) =>
        this.#wrap(this.#pool.take(where, 0), shape, dtypes?.[index] ?? "f32", failed!),
      );
    const outputs = shapes.map((shape, index) => {
      const dtype = dtypes?.[index] ?? "f32";
      return { shape, dtype, block: this.#pool.take(primitive.name, bytesOf(sizeOf(shape), dtype)) };
    });
    const temporary: Block[] = [];
    const take = (bytes: number): Block => {
      const block = this.#pool.take(primitive.name, bytes);
      temporary.push(block);
      return block;
    };
    const recorder: Recorder = {
      limits: this.#device.limits,
      capabilities: this.#capabilities,
      dispatch: (pass) => {
        checkFloats(where, pass);
        this.#queue.dispatch(pass);
      },
      scratch: (elements) => take(4 * elements),
      upload: (values) => {
        const block = take(4 * values.length);
        this.#queue.upload(block, Uint32Array.from(values));
        return block;
      },
    };
    const outcome = (this.#queue.operation = outcomeOf(causes));
    try {
      implementation(recorder, operands, outputs, attributes as never);
    } catch (error) {
      for (const { block } of outputs) this.#pool.give(block);
      throw error;
    } finally {
      // Commands run in the order they were recorded, so memory may serve again as soon as its last use is recorded.
      for (const block of temporary) this.#pool.give(block);
    }
    return outputs.map(({ shape, block, dtype }) => this.#wrap(block, shape, dtype, outcome));
  }

  /**
   * Waits until the device has done everything queued so far; rejects with the first error since that nobody has been
   * told.
   */
  async finish(): Promise<void> {
    this.#checkUsable("gpu.finish");
    const { recorded } = this.#queue;
    if (recorded !== undefined) await recorded;
    this.#queue.flush();
    try {
      await Promise.all([this.#device.queue.onSubmittedWorkDone(), this.#faults.conclude()]);
    } catch (reason) {
      throw await this.#faults.explain(new DeviceError(`gpu.finish: the device did not finish: ${String(reason)}`));
    }
    this.#faults.throwUntold();
  }

  /** Whether `profile` works here. */
  get hasTimestamps(): boolean {
    return this.#device.features.has("timestamp-query");
  }

  /**
   * Runs `body` and takes the device's own time of every pass it queues, the longest first; waits for the device.
   *
   * Passes then run one by one, so their sum may exceed what the same work takes unobserved. Browsers and Dawn round
   * timestamps unless told otherwise (dawn: ["disable-dawn-features=timestamp_quantization"]). Throws an
   * `UnsupportedError` on an adapter without timestamps.
   */
  async profile<Result>(body: () => Result): Promise<Profile<Result>> {
    this.#checkUsable("gpu.profile");
    checkArguments("gpu.profile", { body }, { body: callable });
    if (!this.hasTimestamps) {
      throw new UnsupportedError({
        where: "gpu.profile",
        wanted: "a device with timestamp-query",
        got: `${this.device.name} without`,
        fix: "Time finish() instead, or give wrapDevice a device made with that feature.",
      });
    }
    this.#queue.checkUntimed();
    const { profile } = await import("./profile.js");
    return profile(this.#device, this.#faults, this.#queue, body);
  }

  /**
   * Frees all device memory; destroys the device if this library asked for it. A Node process can then end. Idempotent.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pool.destroy();
    this.#staging.destroy();
    this.#queue.destroy();
    this.#readback.dispose();
    if (!this.#owned) return;
    this.#device.destroy();
    // What is still under way must end before Dawn's instance may go.
    void this.#faults.end().then(() => releaseInstance(this.#device));
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The adapter, what tensors may store, and the memory in use. */
  toString(): string {
    const state = this.#disposed ? "disposed" : `${this.memory.used} bytes in use`;
    return `Gpu ${this.device.name} (${this.device.kind}; ${this.dtypes.join(", ")}; ${state})`;
  }

  #checkUsable(where: string): void {
    if (this.#disposed) {
      throw new ArgumentError({ where, wanted: "a live Gpu", got: "a disposed one", fix: "Dispose it last." });
    }
    this.#faults.checkAlive();
  }

  #wrap(block: Block, shape: Shape, dtype: GpuDType, outcome: Outcome): Tensor {
    const read = async (size: number): Promise<Float32Array> => {
      this.#checkUsable("read");
      return this.#readback.read(block, bytesOf(size, dtype), outcome, (memory, offset) =>
        decode(memory, offset, size, dtype),
      );
    };
    const release = (): void => {
      if (!this.#disposed) this.#pool.give(block);
    };
    return new Tensor(this, shape, new GpuStorage(block, dtype, outcome, read, release));
  }
}

Object.assign(Gpu.prototype, printsAsText);

class GpuStorage implements Storage {
  constructor(
    readonly block: Block,
    readonly dtype: GpuDType,
    readonly outcome: Outcome,
    readonly read: (size: number) => Promise<Float32Array>,
    readonly release: () => void,
  ) {}
}
