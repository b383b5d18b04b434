import { UnsupportedError } from "../core/errors.js";
import type { Faults } from "./faults.js";

/** A piece of device memory from the pool. */
export interface Block {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  /** Distinct for every buffer of a device. */
  readonly id: number;
  /** The last batch of commands that uses it. */
  batch: number;
}

/** Sizes step by quarters of a power of two, so that a block is at most a quarter larger than asked. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const quarter = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / quarter) * quarter;
}

/** Buffers of one usage; freed ones serve again in a fixed order, so that equal steps use equal buffers and bind groups. */
export class Pool {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #usage: GPUBufferUsageFlags;
  readonly #limit: number;
  readonly #free = new Map<number, Block[]>();
  readonly #all = new Set<Block>();
  #nextId = 0;
  /** Bytes of all buffers, and of those in use. */
  allocated = 0;
  used = 0;

  constructor(device: GPUDevice, faults: Faults, usage: GPUBufferUsageFlags) {
    this.#device = device;
    this.#faults = faults;
    this.#usage = usage;
    this.#limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  }

  take(where: string, bytes: number): Block {
    if (bytes > this.#limit) {
      throw new UnsupportedError({
        where,
        wanted: `a tensor of at most ${this.#limit} bytes (the adapter's maxStorageBufferBindingSize or maxBufferSize)`,
        got: `${bytes} bytes`,
        fix: "Split the batch, or use an adapter with larger limits.",
      });
    }
    const size = Math.min(sizeClass(bytes), this.#limit);
    const block = this.#free.get(size)?.pop() ?? this.#larger(size)?.pop() ?? this.#make(size);
    this.used += block.bytes;
    return block;
  }

  /** Free blocks of the smallest size above `bytes`, and at most twice as large. */
  #larger(bytes: number): Block[] | undefined {
    const fitting = [...this.#free].filter(([size, blocks]) => size > bytes && size <= 2 * bytes && blocks.length > 0);
    return fitting.reduce<[number, Block[]] | undefined>((best, entry) => (best !== undefined && best[0] < entry[0] ? best : entry), undefined)?.[1];
  }

  #make(bytes: number): Block {
    const buffer = this.#faults.watch("createBuffer", () => this.#device.createBuffer({ size: bytes, usage: this.#usage }));
    const block = { buffer, bytes, id: this.#nextId++, batch: -1 };
    this.#all.add(block);
    this.allocated += bytes;
    return block;
  }

  give(block: Block): void {
    this.used -= block.bytes;
    const free = this.#free.get(block.bytes) ?? [];
    this.#free.set(block.bytes, free);
    let place = free.length;
    while (place > 0 && free[place - 1].id < block.id) place--;
    free.splice(place, 0, block);
  }

  destroy(): void {
    for (const { buffer } of this.#all) buffer.destroy();
    this.#all.clear();
    this.#free.clear();
  }
}
