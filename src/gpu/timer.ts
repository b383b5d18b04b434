import type { Faults } from "./faults.js";
import { idleUntil } from "./idle.js";
import { BufferUsage, MAP_READ_MODE } from "./webgpu-constants.js";

/** What the dispatches of one pass took on the device. */
export interface PassTime {
  /** The shader, and for elementwise operations the function, such as "ops/unary.wgsl (gelu)". */
  readonly pass: string;
  readonly calls: number;
  /** Milliseconds of all calls together. */
  readonly ms: number;
}

/** Timestamps of one query set; WebGPU allows no more. */
const STAMPS = 4096;
const STAMP_BYTES = 8;

/** Takes the device's time before and after every dispatch. */
export class Timer {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #labels: string[] = [];
  readonly #sets: GPUQuerySet[] = [];
  readonly #buffers: GPUBuffer[] = [];

  constructor(device: GPUDevice, faults: Faults) {
    this.#device = device;
    this.#faults = faults;
  }

  /** Where the next dispatch, of the pass `label`, leaves its two timestamps. */
  next(label: string): GPUComputePassTimestampWrites {
    const first = (2 * this.#labels.length) % STAMPS;
    if (first === 0) {
      const { made } = this.#faults.make("createQuerySet", () =>
        this.#device.createQuerySet({ label: "attention-kernels timestamps", type: "timestamp", count: STAMPS }),
      );
      this.#sets.push(made);
    }
    this.#labels.push(label);
    return { querySet: this.#sets.at(-1)!, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
  }

  /** Reads the timestamps of what was submitted: one entry a label, the longest first. */
  async times(): Promise<PassTime[]> {
    const size = this.#sets.length * STAMPS * STAMP_BYTES;
    if (size === 0) return [];
    const buffer = (usage: GPUBufferUsageFlags): GPUBuffer => {
      const { made } = this.#faults.make("createBuffer", () =>
        this.#device.createBuffer({ label: "attention-kernels timestamps", size, usage }),
      );
      this.#buffers.push(made);
      return made;
    };
    const resolved = buffer(BufferUsage.QUERY_RESOLVE | BufferUsage.COPY_SRC);
    const staging = buffer(BufferUsage.MAP_READ | BufferUsage.COPY_DST);
    const encoder = this.#device.createCommandEncoder({ label: "attention-kernels timestamps" });
    this.#sets.forEach((set, index) => encoder.resolveQuerySet(set, 0, STAMPS, resolved, index * STAMPS * STAMP_BYTES));
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    try {
      await idleUntil(this.#device, staging.mapAsync(MAP_READ_MODE));
    } catch (reason) {
      throw await this.#faults.explain(`gpu.profile: the device could not map memory: ${String(reason)}`);
    }
    this.#faults.checkAlive();
    const stamps = new BigUint64Array(staging.getMappedRange());
    const times = new Map<string, { calls: number; ms: number }>();
    this.#labels.forEach((label, index) => {
      const { calls, ms } = times.get(label) ?? { calls: 0, ms: 0 };
      times.set(label, { calls: calls + 1, ms: ms + Number(stamps[2 * index + 1] - stamps[2 * index]) / 1e6 });
    });
    return [...times].map(([pass, time]) => ({ pass, ...time })).sort((a, b) => b.ms - a.ms);
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    for (const set of this.#sets) set.destroy();
  }
}
