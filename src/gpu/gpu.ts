import { checkData } from "../core/checks.js";
import { ArgumentError, DeviceError, UnsupportedError } from "../core/errors.js";
import { printsAsText } from "../core/printing.js";
import { checkShape, sizeOf, type Shape } from "../core/shape.js";
import { keep, scope, Tensor, type Backend, type DeviceDescription, type Primitive, type Storage, type TensorOptions } from "../core/tensor.js";
import { describeAdapter, openDevice, releaseInstance, type GpuOptions } from "./adapter.js";
import { attention } from "./attention.js";
import { elementwise, fill } from "./elementwise.js";
import { Faults } from "./faults.js";
import { BufferUsage, MAP_READ_MODE } from "./flags.js";
import { type Device, type Implementations, type Operand } from "./job.js";
import { matmul } from "./matmul.js";
import { Pool, type Block } from "./memory.js";
import { Queue } from "./queue.js";
import { parts } from "./parts.js";
import { reductions } from "./reductions.js";
import { rowwise } from "./rows.js";
import { bytesOf, checkDType, decode, encode, type GpuDType } from "./stored.js";
import { Timer, type PassTime } from "./timer.js";
import { chooseVariants, type Variants } from "./variants.js";

const implementations: Implementations = new Map([...elementwise, ...parts, ...reductions, ...rowwise, matmul, ...attention]);

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
 * Operations queue work and return at once; only `tensor.read()` waits. Freed memory is pooled, pipelines are cached. An error on
 * the device rejects the next `read()`. Made by `requestGpu` and `wrapDevice`; disposable.
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
  readonly #variants: Variants;
  #disposed = false;

  /** @internal */
  constructor(device: GPUDevice, owned: boolean, variants?: Variants) {
    this.#device = device;
    this.#owned = owned;
    this.device = describeAdapter(device);
    this.dtypes = device.features.has("shader-f16") ? ["f32", "f16"] : ["f32"];
    this.#variants = variants ?? chooseVariants(device, this.device);
    this.#faults = new Faults(device);
    this.#pool = new Pool(device, this.#faults, BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST);
    this.#staging = new Pool(device, this.#faults, BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    this.#queue = new Queue(device, this.#faults);
  }

  /** Whether attention over float16 runs by subgroup matrices: they were asked for, and the adapter has what it takes. */
  get subgroupMatrices(): boolean {
    return this.#variants.matrixUnit !== undefined;
  }

  /** Bytes on the device. */
  get memory(): GpuMemory {
    return { allocated: this.#pool.allocated + this.#staging.allocated, used: this.#pool.used };
  }

  /** A tensor of these numbers, row-major. With dtype "f16" each is rounded to a nearest float16; `attention` and `ops.cast` take those. */
  tensor(data: ArrayLike<number>, shape: Shape = [data.length], { dtype = "f32" }: TensorOptions = {}): Tensor {
    this.#checkUsable("gpu.tensor");
    checkData("gpu.tensor", data, shape);
    const stored = checkDType("gpu.tensor", this.#device, dtype);
    const words = encode("gpu.tensor", data, stored);
    const block = this.#pool.take("gpu.tensor", words.byteLength);
    this.#queue.upload(block, words);
    return this.#wrap(block, shape, stored);
  }

  full(value: number, shape: Shape, { dtype = "f32" }: TensorOptions = {}): Tensor {
    this.#checkUsable("gpu.full");
    checkShape("gpu.full", shape);
    const stored = checkDType("gpu.full", this.#device, dtype);
    const bytes = bytesOf(sizeOf(shape), stored);
    const [word] = new Uint32Array(encode("gpu.full", stored === "f16" ? [value, value] : [value], stored).buffer);
    const block = this.#pool.take("gpu.full", bytes);
    fill({ limits: this.#device.limits, dispatch: (pass) => this.#queue.dispatch(pass) }, block, bytes / 4, word);
    return this.#wrap(block, shape, stored);
  }

  run<Attributes>(primitive: Primitive<Attributes>, inputs: readonly Tensor[], attributes: Attributes): Tensor[] {
    this.#checkUsable(primitive.name);
    const record = implementations.get(primitive);
    if (record === undefined) {
      throw new UnsupportedError({ where: primitive.name, wanted: "an operation of the gpu backend", got: "an unknown one" });
    }
    const operands = inputs.map((tensor) => {
      const { block, dtype } = tensor.memory(primitive.name) as GpuStorage;
      return { shape: tensor.shape, dtype, block };
    });
    const shapes = primitive.infer(operands.map(({ shape }) => shape), attributes);
    const dtypes = this.#dtypes(primitive, operands, attributes);
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
    const device: Device = {
      limits: this.#device.limits,
      variants: this.#variants,
      dispatch: (pass) => this.#queue.dispatch(pass),
      scratch: (elements) => take(4 * elements),
      upload: (values) => {
        const block = take(4 * values.length);
        this.#queue.upload(block, Uint32Array.from(values));
        return block;
      },
    };
    try {
      record(device, operands, outputs, attributes as never);
    } catch (error) {
      for (const { block } of outputs) this.#pool.give(block);
      throw error;
    } finally {
      // Commands run in the order they were recorded, so memory may serve again as soon as its last use is recorded.
      for (const block of temporary) this.#pool.give(block);
    }
    return outputs.map(({ shape, block, dtype }) => this.#wrap(block, shape, dtype));
  }

  /** The dtypes of the outputs; undefined for float32 throughout. */
  #dtypes<Attributes>(primitive: Primitive<Attributes>, operands: readonly Operand[], attributes: Attributes): GpuDType[] | undefined {
    if (primitive.dtypes !== undefined) {
      const inputs = operands.map(({ dtype }) => dtype);
      return primitive.dtypes(inputs, attributes).map((dtype) => checkDType(primitive.name, this.#device, dtype));
    }
    if (operands.every(({ dtype }) => dtype === "f32")) return undefined;
    throw new UnsupportedError({
      where: primitive.operation?.(attributes) ?? primitive.name,
      wanted: "float32 tensors",
      got: "one of dtype f16",
      fix: 'Cast it: ops.cast(x, "f32").',
    });
  }

  /** Waits until the device has done everything queued so far; rejects with the first error on the way. */
  async finish(): Promise<void> {
    this.#checkUsable("gpu.finish");
    this.#queue.flush();
    await Promise.all([this.#device.queue.onSubmittedWorkDone(), this.#faults.settle()]);
  }

  /** Whether `profile` works here. */
  get hasTimestamps(): boolean {
    return this.#device.features.has("timestamp-query");
  }

  /**
   * Runs `body` and takes the device's own time of every pass it queues, the longest first; waits for the device.
   *
   * Passes then run one by one, so their sum may exceed what the same work takes unobserved. Browsers and Dawn round timestamps unless
   * told otherwise (dawn: ["disable-dawn-features=timestamp_quantization"]). Throws an `UnsupportedError` on an adapter without timestamps.
   */
  async profile<Result>(body: () => Result): Promise<{ readonly result: Result; readonly passes: readonly PassTime[] }> {
    this.#checkUsable("gpu.profile");
    if (!this.hasTimestamps) {
      throw new UnsupportedError({
        where: "gpu.profile",
        wanted: "a device with timestamp-query",
        got: `${this.device.name} without`,
        fix: "Time finish() instead, or give wrapDevice a device made with that feature.",
      });
    }
    if (this.#queue.timer !== undefined) {
      throw new ArgumentError({ where: "gpu.profile", argument: "body", wanted: "work that does not profile itself", got: "a profile inside a profile" });
    }
    const timer = new Timer(this.#device, this.#faults);
    this.#queue.timer = timer;
    try {
      const result = body();
      this.#queue.timer = undefined;
      if (result instanceof Promise) {
        throw new ArgumentError({
          where: "gpu.profile",
          argument: "body",
          wanted: "a synchronous function",
          got: "one that returns a promise",
          fix: "Await read() outside of it.",
        });
      }
      this.#queue.flush();
      await this.#faults.settle();
      return { result, passes: await timer.times() };
    } finally {
      this.#queue.timer = undefined;
      if (!this.#disposed) this.#queue.flush();
      timer.destroy();
    }
  }

  /** Frees all device memory; destroys the device if this library asked for it. A Node process can then end. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#pool.destroy();
    this.#staging.destroy();
    this.#queue.destroy();
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

  #wrap(block: Block, shape: Shape, dtype: GpuDType): Tensor {
    const read = (size: number): Promise<Float32Array> => this.#read(block, size, dtype);
    const release = (): void => {
      if (!this.#disposed) this.#pool.give(block);
    };
    return new Tensor(this, shape, new GpuStorage(block, dtype, read, release));
  }

  async #read(block: Block, size: number, dtype: GpuDType): Promise<Float32Array> {
    this.#checkUsable("read");
    const bytes = bytesOf(size, dtype);
    const staging = this.#staging.take("read", bytes);
    this.#queue.copy(block, staging.buffer, bytes);
    this.#queue.flush();
    const mapping = staging.buffer.mapAsync(MAP_READ_MODE, 0, bytes);
    const [fault, mapped] = await Promise.allSettled([this.#faults.settle(), mapping]);
    try {
      if (fault.status === "rejected") throw fault.reason;
      if (mapped.status === "rejected") throw new DeviceError(`read: the device could not map memory: ${String(mapped.reason)}`);
      return decode(staging.buffer.getMappedRange(0, bytes), size, dtype);
    } finally {
      if (!this.#disposed) {
        staging.buffer.unmap();
        this.#staging.give(staging);
      }
    }
  }
}

Object.assign(Gpu.prototype, printsAsText);

class GpuStorage implements Storage {
  constructor(
    readonly block: Block,
    readonly dtype: GpuDType,
    readonly read: (size: number) => Promise<Float32Array>,
    readonly release: () => void,
  ) {}
}

/**
 * A backend on the best WebGPU adapter of the platform: Dawn in Node (the npm package `webgpu`), `navigator.gpu` in browsers.
 *
 * Throws an `UnsupportedError` when there is none; it never falls back to the CPU by itself.
 */
export async function requestGpu(options: GpuOptions = {}): Promise<Gpu> {
  return new Gpu(await openDevice(options), true);
}

/**
 * A backend on a device that the caller owns: disposing the backend frees its memory and leaves the device alone. It uses those
 * of the optional features shader-f16, subgroups, timestamp-query and chromium-experimental-subgroup-matrix that the device has.
 */
export function wrapDevice(device: GPUDevice): Gpu {
  return new Gpu(device, false);
}
