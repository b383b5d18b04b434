import { ArgumentError, type AttentionKernelsError } from "../core/errors.js";
import { outcomeOf, type Faults, type Outcome } from "./faults.js";
import { idleUntil } from "./idle.js";
import { BufferUsage, MAP_READ_MODE } from "./webgpu-constants.js";
import { Pool, type Block } from "./memory.js";
import type { Queue } from "./queue.js";

/** Bytes of a staging buffer, at first and at most; more than that in one tensor get a buffer of their own. */
const STAGING = { first: 4096, most: 2 ** 24 };
/** Staging buffers under way; reads gather in others meanwhile. */
const UNDER_WAY = 8;
/** Bytes of which offsets in a staging buffer are multiples. */
const ALIGNMENT = 8;

/** Reads that share a staging buffer. */
interface Load {
  readonly staging: Block;
  /** What the first word must be, which the device writes with the rest; undefined where there is no room for it. */
  readonly seal: number | undefined;
  /** Bytes so far. */
  used: number;
  /** Reads that still take from it. */
  readers: number;
  /** The buffer's memory, when the device has written it. */
  readonly memory: Promise<ArrayBuffer>;
  resolve(memory: Promise<ArrayBuffer>): void;
}

/** Brings memory back to JavaScript: the reads of a moment by one submission, in few buffers. */
export class Readback {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #queue: Queue;
  readonly #pool: Pool;
  /** Whether the device runs commands at all: Dawn's null backend only checks them. */
  readonly #computes: boolean;
  readonly #sealPool: Pool;
  /** The words 0, 1 and 2. */
  #seals: Block | undefined;
  /** The seals that buffers got last: a new one differs. */
  readonly #lastSeals = new WeakMap<Block, number>();
  #gathering: Load[] = [];
  #underWay = 0;
  #disposed = false;

  constructor(device: GPUDevice, faults: Faults, queue: Queue, pool: Pool, computes: boolean) {
    this.#device = device;
    this.#faults = faults;
    this.#queue = queue;
    this.#pool = pool;
    this.#computes = computes;
    this.#sealPool = new Pool(device, faults, "seals", BufferUsage.COPY_SRC | BufferUsage.COPY_DST, 256);
  }

  /**
   * What `decode` makes of `bytes` of memory as they are now; rejects with the error of the work that should have
   * written them.
   */
  async read<Result>(
    source: Block,
    bytes: number,
    written: Outcome,
    decode: (memory: ArrayBuffer, offset: number) => Result,
  ): Promise<Result> {
    const check = ({ error }: { readonly error: AttentionKernelsError | undefined }): void => {
      if (error !== undefined) throw this.#faults.tell(error);
    };
    check(written);
    const load = this.#loadFor(bytes);
    const offset = load.used;
    load.used += ALIGNMENT * Math.ceil(bytes / ALIGNMENT);
    load.readers++;
    const copied = outcomeOf();
    this.#queue.copy({ source, from: 0, to: load.staging, at: offset, bytes }, copied);
    try {
      const memory = await load.memory;
      check(written);
      check(copied);
      if (load.seal !== undefined && new Uint32Array(memory, 0, 1)[0] !== load.seal) {
        throw await this.#faults.explain("read: the device did not run the commands that it was given.");
      }
      return decode(memory, offset);
    } finally {
      if (--load.readers === 0 && !this.#disposed) {
        load.staging.buffer.unmap();
        this.#pool.give(load.staging);
      }
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#sealPool.destroy();
  }

  #loadFor(bytes: number): Load {
    const last = this.#gathering.at(-1);
    if (last !== undefined && last.used + bytes <= last.staging.bytes) return last;
    if (last === undefined) queueMicrotask(() => this.#depart());
    const load = this.#open(
      Math.max(bytes, last === undefined ? STAGING.first : Math.min(STAGING.most, 2 * last.staging.bytes)),
    );
    this.#gathering.push(load);
    return load;
  }

  #open(bytes: number): Load {
    const isSealed = this.#computes && bytes + ALIGNMENT <= this.#pool.limit;
    const staging = this.#pool.take("read", isSealed ? bytes + ALIGNMENT : bytes);
    const seal = isSealed ? (this.#lastSeals.get(staging) === 1 ? 2 : 1) : undefined;
    if (seal !== undefined) {
      if (this.#seals === undefined)
        this.#queue.upload((this.#seals = this.#sealPool.take("read", 12)), Uint32Array.of(0, 1, 2), outcomeOf());
      this.#lastSeals.set(staging, seal);
      this.#queue.copy({ source: this.#seals, from: 4 * seal, to: staging, at: 0, bytes: 4 }, outcomeOf());
    }
    let resolve: Load["resolve"] | undefined;
    const memory = new Promise<ArrayBuffer>((settle) => (resolve = settle));
    return { staging, seal, used: isSealed ? ALIGNMENT : 0, readers: 0, memory, resolve: resolve! };
  }

  #depart(): void {
    while (this.#gathering.length > 0 && this.#underWay < UNDER_WAY) {
      const load = this.#gathering.shift()!;
      this.#underWay++;
      load.resolve(
        this.#transfer(load).finally(() => {
          this.#underWay--;
          this.#depart();
        }),
      );
    }
  }

  async #transfer({ staging, used }: Load): Promise<ArrayBuffer> {
    await this.#queue.recorded;
    if (this.#disposed)
      throw new ArgumentError({ where: "read", wanted: "a live Gpu", got: "a disposed one", fix: "Dispose it last." });
    this.#queue.flush();
    const concluded = this.#faults.conclude();
    const bytes = Math.min(used, staging.bytes);
    try {
      const [memory] = await Promise.all([
        idleUntil(this.#device, staging.buffer.mapAsync(MAP_READ_MODE, 0, bytes)).then(() =>
          staging.buffer.getMappedRange(0, bytes),
        ),
        concluded,
      ]);
      this.#faults.checkAlive();
      return memory;
    } catch (reason) {
      await concluded;
      const { error } = staging.outcome;
      throw error ?? (await this.#faults.explain(`read: the device could not map memory: ${String(reason)}`));
    }
  }
}
