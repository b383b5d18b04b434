import { tensorOptions } from "../core/checks.js";
import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { having, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, type Kinds } from "../core/options.js";
import { checkShape, formatShape, sizeOf, type Shape } from "../core/shape.js";
import type { TensorOptions } from "../core/tensor.js";
import type { Faults } from "./faults.js";
import { resourceOf, type Block } from "./memory.js";
import { bytesOf, checkDType, type GpuDType } from "./storage-type.js";
import { BufferUsage, COMPUTE_STAGE } from "./webgpu-constants.js";
import type { WebGpuBuffer } from "./webgpu-types.js";

/** Options of `gpu.fromBuffer`. */
export interface BufferOptions extends TensorOptions {
  /**
   * Where in the buffer the numbers begin, in bytes: a multiple of the device's minStorageBufferOffsetAlignment, 256 by
   * default. Default 0.
   */
  readonly offset?: number;
}

/** Where a tensor's numbers lie on the device. */
export interface TensorBuffer {
  readonly buffer: WebGpuBuffer;
  /** Where the numbers begin, in bytes. */
  readonly offset: number;
  /** What they take, in bytes; the buffer may be longer. */
  readonly size: number;
}

const options: Kinds<BufferOptions> = { ...tensorOptions, offset: whole(0) };

const bufferKind = having<GPUBuffer>(
  "a GPUBuffer",
  ["size", "usage", "mapState"],
  "device.createBuffer({ size, usage }) of this Gpu's device gives one.",
);

/** Callers' memory of one device. Equal parts of a buffer share a block, and so the bind groups kept by its id. */
export class CallerBuffers {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #blocks = new WeakMap<GPUBuffer, Map<string, Block>>();
  #layout: GPUBindGroupLayout | undefined;
  #lastId = 0;

  constructor(device: GPUDevice, faults: Faults) {
    this.#device = device;
    this.#faults = faults;
  }

  /** The part of a buffer that holds a tensor, checked. */
  block(given: WebGpuBuffer, shape: Shape, wanted: BufferOptions): { readonly block: Block; readonly dtype: GpuDType } {
    const where = "gpu.fromBuffer";
    const { offset = 0, dtype: named = "f32" } = checkOptions(where, wanted, options);
    checkArguments(where, { buffer: given }, { buffer: bufferKind });
    checkShape(where, shape);
    const dtype = checkDType(where, this.#device, named);
    const buffer = given;
    const bytes = bytesOf(sizeOf(shape), dtype);
    const refuse = (argument: string, wanted: string, got: string, fix?: string): ArgumentError =>
      new ArgumentError({ where, argument, wanted, got, fix });
    if ((buffer.usage & BufferUsage.STORAGE) === 0) {
      const fix = "Create it with usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC.";
      throw refuse("buffer", "one with usage STORAGE", `usage 0x${buffer.usage.toString(16)}`, fix);
    }
    if (buffer.mapState !== "unmapped") {
      throw refuse("buffer", "one that is not mapped", `mapState "${buffer.mapState}"`, "Call its unmap() first.");
    }
    const { minStorageBufferOffsetAlignment: step, maxStorageBufferBindingSize: most } = this.#device.limits;
    if (offset % step !== 0)
      throw refuse("offset", `a multiple of ${step} (minStorageBufferOffsetAlignment)`, String(offset));
    if (offset + bytes > buffer.size) {
      const needs = `at least ${offset + bytes} bytes, for ${formatShape(shape)} in ${dtype} from byte ${offset} on`;
      throw refuse("buffer", needs, `${buffer.size}`);
    }
    if (bytes > most) {
      throw new UnsupportedError({
        where,
        wanted: `a tensor of at most ${most} bytes (the device's maxStorageBufferBindingSize)`,
        got: `${bytes} bytes`,
      });
    }
    return { block: this.#blockOf(buffer, offset, bytes), dtype };
  }

  #blockOf(buffer: GPUBuffer, offset: number, bytes: number): Block {
    const parts = this.#blocks.get(buffer) ?? new Map<string, Block>();
    this.#blocks.set(buffer, parts);
    const key = `${offset}+${bytes}`;
    const known = parts.get(key);
    if (known !== undefined) return known;
    const part = { buffer, offset, bytes, id: --this.#lastId, pool: undefined, batch: -1, renewed: true };
    const { outcome } = this.#faults.make("gpu.fromBuffer", () => this.#probe(resourceOf(part)));
    const block = { ...part, outcome };
    parts.set(key, block);
    return block;
  }

  /** Lets the device say whether it can bind the memory, before any work depends on it: that of another it cannot. */
  #probe(resource: GPUBufferBinding): void {
    const label = "gpu.fromBuffer";
    this.#layout ??= this.#device.createBindGroupLayout({
      label,
      entries: [{ binding: 0, visibility: COMPUTE_STAGE, buffer: { type: "read-only-storage" } }],
    });
    this.#device.createBindGroup({ label, layout: this.#layout, entries: [{ binding: 0, resource }] });
  }
}

/** Refuses to read memory that cannot be copied from: a caller's buffer may be so. */
export function checkReadable({ buffer }: Block): void {
  if ((buffer.usage & BufferUsage.COPY_SRC) !== 0) return;
  throw new ArgumentError({
    where: "read",
    wanted: "a buffer with usage COPY_SRC behind the tensor",
    got: `one that gpu.fromBuffer was given, with usage 0x${buffer.usage.toString(16)}`,
    fix: "Create it with usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC.",
  });
}
