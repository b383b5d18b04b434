import { UnsupportedError } from "../core/errors.js";
import type { Faults, Outcome } from "./faults.js";

/** A piece of device memory: a buffer of a pool, or a part of a caller's buffer, which is only read. */
export interface Block {
  buffer: GPUBuffer;
  /** Where in the buffer it begins, in bytes. */
  readonly offset: number;
  readonly bytes: number;
  /** Distinct for every block of a pool; negative for a caller's memory. */
  readonly id: number;
  /** Undefined for a caller's memory. */
  readonly pool: Pool | undefined;
  /** The last batch of commands that uses it. */
  batch: number;
  /** Whether the device could make it. */
  outcome: Outcome;
  /** Whether it was tried a second time. */
  renewed: boolean;
}

/** What of its buffer a block binds. */
export const resourceOf = ({
  buffer,
  offset,
  bytes,
}: Pick<Block, "buffer" | "offset" | "bytes">): GPUBufferBinding => ({
  buffer,
  offset,
  size: bytes,
});

/** Sizes step by quarters of a power of two, so that a block is at most a quarter larger than asked. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const quarter = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / quarter) * quarter;
}

const isDead = ({ outcome, renewed }: Block): boolean => renewed && outcome.error !== undefined;

/**
 * Buffers of one usage; freed ones serve again in a fixed order, so that equal steps use equal buffers and bind groups.
 */
export class Pool {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #name: string;
  readonly #usage: GPUBufferUsageFlags;
  /** The largest block, in bytes. */
  readonly limit: number;
  readonly #free = new Map<number, Block[]>();
  readonly #all = new Set<Block>();
  #nextId = 0;
  /** Bytes of all buffers, and of those in use. */
  allocated = 0;
  used = 0;

  constructor(device: GPUDevice, faults: Faults, name: string, usage: GPUBufferUsageFlags, limit: number) {
    this.#device = device;
    this.#faults = faults;
    this.#name = name;
    this.#usage = usage;
    this.limit = limit;
  }

  take(where: string, bytes: number): Block {
    if (bytes > this.limit) {
      throw new UnsupportedError({
        where,
        wanted: `a tensor of at most ${this.limit} bytes (the adapter's maxStorageBufferBindingSize or maxBufferSize)`,
        got: `${bytes} bytes`,
        fix: "Split the batch, or use an adapter with larger limits.",
      });
    }
    const size = Math.min(sizeClass(bytes), this.limit);
    const block = this.#pop(this.#free.get(size)) ?? this.#pop(this.#larger(size)) ?? this.#make(size);
    this.used += block.bytes;
    return block;
  }

  #pop(free: Block[] | undefined): Block | undefined {
    let block = free?.pop();
    while (block !== undefined && isDead(block)) {
      this.#drop(block);
      block = free?.pop();
    }
    return block;
  }

  /** Free blocks of the smallest size above `bytes`, and at most twice as large. */
  #larger(bytes: number): Block[] | undefined {
    const fitting = [...this.#free].filter(([size, blocks]) => size > bytes && size <= 2 * bytes && blocks.length > 0);
    return fitting.reduce<[number, Block[]] | undefined>(
      (best, entry) => (best !== undefined && best[0] < entry[0] ? best : entry),
      undefined,
    )?.[1];
  }

  #make(bytes: number): Block {
    const { made, outcome } = this.#buffer(bytes);
    const id = this.#nextId++;
    const block = { buffer: made, offset: 0, bytes, id, pool: this, batch: -1, outcome, renewed: false };
    this.#all.add(block);
    this.allocated += bytes;
    return block;
  }

  #buffer(bytes: number): { readonly made: GPUBuffer; readonly outcome: Outcome } {
    const label = `createBuffer of ${bytes} bytes (${this.used} in use)`;
    return this.#faults.make(label, () =>
      this.#device.createBuffer({ label: `attention-kernels ${this.#name}`, size: bytes, usage: this.#usage }),
    );
  }

  /** Tries once more to make memory that the device did not have. */
  renew(block: Block): void {
    const { made, outcome } = this.#buffer(block.bytes);
    block.buffer.destroy();
    Object.assign(block, { buffer: made, outcome, renewed: true });
  }

  give(block: Block): void {
    this.used -= block.bytes;
    if (isDead(block)) {
      this.#drop(block);
      return;
    }
    const free = this.#free.get(block.bytes) ?? [];
    this.#free.set(block.bytes, free);
    let place = free.length;
    while (place > 0 && free[place - 1].id < block.id) place--;
    free.splice(place, 0, block);
  }

  /** Gives all free memory back to the device, but for what recorded commands still use. */
  trim(needed: ReadonlySet<Block>): void {
    for (const [size, blocks] of this.#free) {
      this.#free.set(
        size,
        blocks.filter((block) => needed.has(block)),
      );
      for (const block of blocks) if (!needed.has(block)) this.#drop(block);
    }
  }

  #drop(block: Block): void {
    block.buffer.destroy();
    this.#all.delete(block);
    this.allocated -= block.bytes;
  }

  destroy(): void {
    for (const { buffer } of this.#all) buffer.destroy();
    this.#all.clear();
    this.#free.clear();
  }
}
