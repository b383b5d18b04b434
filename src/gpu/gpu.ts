import { checkData, checkTensors, lengthOf, tensorOptions } from "../core/checks.js";
import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { anyNumber, callable } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { printsAsText } from "../core/printing.js";
import { checkShape, type Shape } from "../core/shape.js";
import {
  keep,
  scope,
  Tensor,
  type Backend,
  type DeviceDescription,
  type DType,
  type Primitive,
  type TensorOptions,
} from "../core/tensor.js";
import { describeAdapter, NULL_ADAPTER, releaseInstance } from "./adapter.js";
import { checkReadable, CallerBuffers, type BufferOptions, type TensorBuffer } from "./buffers.js";
import { capabilitiesOf, type Capabilities } from "./capabilities.js";
import { filled, uploaded } from "./create.js";
import { Faults, type Outcome } from "./faults.js";
import { Pool, type Block } from "./memory.js";
import { operate, type Machine } from "./operate.js";
import type { Profile } from "./profile.js";
import { Queue } from "./queue.js";
import { Readback } from "./readback.js";
import { GpuStorage } from "./storage.js";
import { bytesOf, checkDType, decode, type GpuDType } from "./storage-type.js";
import type { WarmUpOptions } from "./warm-up.js";
import { BufferUsage } from "./webgpu-constants.js";
import type { WebGpuBuffer } from "./webgpu-types.js";

/** Device memory of a `Gpu`, in bytes. Buffers that `gpu.fromBuffer` was given do not count. */
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
  readonly #callerBuffers: CallerBuffers;
  readonly #machine: Machine;
  #disposed = false;
  /** @internal */
  readonly joinsHeads: boolean;

  /** @internal */
  constructor(device: GPUDevice, owned: boolean, capabilities?: Capabilities) {
    this.#device = device;
    this.#owned = owned;
    this.device = describeAdapter(device);
    this.dtypes = device.features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
    this.#callerBuffers = new CallerBuffers(device, (this.#faults = new Faults(device)));
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage;
    this.#pool = new Pool(device, this.#faults, "tensors", STORAGE | COPY_SRC | COPY_DST, limit);
    this.#staging = new Pool(device, this.#faults, "staging", MAP_READ | COPY_DST, maxBufferSize);
    this.#queue = new Queue(device, this.#faults, [this.#pool, this.#staging]);
    this.#readback = new Readback(device, this.#faults, this.#queue, this.#staging, this.device.name !== NULL_ADAPTER);
    this.#machine = {
      device,
      capabilities: capabilities ?? capabilitiesOf(device, this.device),
      pool: this.#pool,
      queue: this.#queue,
      wrap: (block, shape, dtype, outcome) => this.#wrap(block, shape, dtype, outcome),
    };
    this.joinsHeads = this.#machine.capabilities.broadcastLanes !== undefined;
  }

  /**
   * Whether attention over float16 runs by subgroup matrices: they were asked for, and the adapter has what it takes.
   */
  get subgroupMatrices(): boolean {
    return this.#machine.capabilities.matrixUnit !== undefined;
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
    return uploaded(this.#machine, "gpu.tensor", data, shape, stored);
  }

  /** @internal */
  adopt(numbers: ArrayLike<number>, shape: Shape, dtype: DType): Tensor {
    this.#checkUsable("to");
    return uploaded(this.#machine, "to", numbers, shape, checkDType("to", this.#device, dtype));
  }

  /**
   * A tensor of the numbers that lie in a buffer of the caller, on the device that `wrapDevice` was given, row-major.
   * Nothing is copied: operations read the buffer itself, after all that was submitted to the device's queue before.
   *
   * The buffer stays the caller's: this library never writes or destroys it, and an optimiser's step gives a parameter
   * memory of its own. Until every tensor on it is disposed and `gpu.finish()` has resolved, the caller must neither
   * write it nor map nor destroy it. Reshaped tensors share it.
   *
   * @param buffer has usage STORAGE, and COPY_SRC if the tensor is read
   * @throws ArgumentError for a buffer without STORAGE, mapped or too short, or an offset that is no multiple of
   * minStorageBufferOffsetAlignment; UnsupportedError for a tensor above maxStorageBufferBindingSize. With a buffer of
   * another device, reads of what is computed from it reject with a `DeviceError`.
   * @example
   * const gpu = wrapDevice(device);
   * const q = gpu.fromBuffer(buffer, [batch, heads, tokens, dim]);
   */
  fromBuffer(buffer: WebGpuBuffer, shape: Shape, options: BufferOptions = {}): Tensor {
    this.#checkUsable("gpu.fromBuffer");
    const { block, dtype } = this.#callerBuffers.block(buffer, shape, options);
    return this.#wrap(block, shape, dtype, block.outcome);
  }

  /**
   * Where a tensor's numbers lie, for the caller's own commands on the same device. When the promise resolves, all work
   * that writes them is submitted, so that what the caller submits from then on sees them. Nothing is copied.
   *
   * The buffer stays this library's: do not write it. Submit commands that read it before the tensor is disposed, its
   * scope ends or a step of an optimiser updates it, because the memory is used again then. It has the usages STORAGE,
   * COPY_SRC and COPY_DST. Numbers are float32, or float16 for a tensor of that dtype.
   *
   * Rejects with the `DeviceError` of work that failed, and with an `ArgumentError` for a disposed tensor or one of
   * another backend.
   */
  async bufferOf(tensor: Tensor): Promise<TensorBuffer> {
    this.#checkUsable("gpu.bufferOf");
    checkTensors("gpu.bufferOf", { tensor });
    const { bufferOf } = await import("./buffer-of.js");
    return bufferOf(this, tensor, this.#queue, this.#faults);
  }

  /** A tensor with one value everywhere. Throws a `NonFiniteError` for a finite one that is beyond the dtype. */
  full(value: number, shape: Shape, options: TensorOptions = {}): Tensor {
    const { dtype = "f32" } = checkOptions("gpu.full", options, tensorOptions);
    checkArguments("gpu.full", { value }, { value: anyNumber });
    this.#checkUsable("gpu.full");
    checkShape("gpu.full", shape);
    const stored = checkDType("gpu.full", this.#device, dtype);
    return filled(this.#machine, "gpu.full", value, shape, stored);
  }

  /** Whether `warmUp` runs a function that computes nothing. @internal */
  get rehearsing(): boolean {
    return this.#queue.rehearsal !== undefined;
  }

  /** @internal */
  run<Attributes>(primitive: Primitive<Attributes>, inputs: readonly Tensor[], attributes: Attributes): Tensor[] {
    this.#checkUsable(primitive.name);
    return operate(this.#machine, primitive, inputs, attributes);
  }

  /**
   * Waits until the device has done everything queued so far; rejects with the first error since that nobody has been
   * told.
   */
  async finish(): Promise<void> {
    this.#checkUsable("gpu.finish");
    const { recorded } = this.#queue;
    if (recorded !== undefined) await recorded;
    try {
      await Promise.all([this.#queue.done(), this.#faults.conclude()]);
    } catch (reason) {
      throw await this.#faults.explain(`gpu.finish: the device did not finish: ${String(reason)}`);
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
   * Compiles the pipelines that a function will use, several at a time, so that its first call need not wait for them.
   * The page stays responsive meanwhile. (lavapipe compiles when a pipeline first runs, so it gains nothing.)
   *
   * Calls `body` once and computes nothing: tensors made in it have no numbers, and steps of an optimiser and `decode`
   * change nothing. Its other effects do happen: a random stream advances. Tensors made in it are disposed, and reads
   * of them reject; it may return the promise of such a read, as `trainStep` does.
   *
   * Rejects with a `ShaderCompileError` for a shader that does not compile, with what `body` throws, and with an
   * `ArgumentError` if `body` awaits anything before its first read. What follows that read is not compiled ahead.
   *
   * @example
   * await gpu.warmUp(() => trainStep(optimizer, parameters, loss), {
   *   onProgress: ({ done, total }) => (bar.value = done / total),
   * });
   */
  async warmUp(body: () => unknown, options: WarmUpOptions = {}): Promise<void> {
    const { onProgress } = checkOptions("gpu.warmUp", options, { onProgress: callable });
    checkArguments("gpu.warmUp", { body }, { body: callable });
    const { warmUp } = await import("./warm-up.js");
    this.#checkUsable("gpu.warmUp");
    await warmUp(this.#device, this.#faults, this.#queue, scope, body, onProgress);
    this.#checkUsable("gpu.warmUp");
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
      checkReadable(block);
      return this.#readback.read(block, bytesOf(size, dtype), outcome, (memory, offset) =>
        decode(memory, offset, size, dtype),
      );
    };
    const release = (): void => {
      if (!this.#disposed) block.pool?.give(block);
    };
    return new Tensor(this, shape, new GpuStorage(block, dtype, outcome, read, release));
  }
}

Object.assign(Gpu.prototype, printsAsText);
