import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { outcomeOf, type Faults, type Outcome } from "./faults.js";
import { idleUntil, softwareDevices } from "./idle.js";
import { BufferUsage } from "./webgpu-constants.js";
import { resourceOf, type Block, type Pool } from "./memory.js";
import { blockOf, labelOf, pack, type Pass } from "./pass.js";
import { Programs, type Program } from "./programs.js";
import type { Timer } from "./timer.js";
import { areKnown, Waiting } from "./waiting.js";

/** Bytes to copy, and where they are in either memory. */
export interface Copy {
  readonly source: Block;
  readonly from: number;
  readonly to: Block;
  readonly at: number;
  readonly bytes: number;
}

const SLOT = 256; // bytes for one uniform; the largest alignment of dynamic offsets that WebGPU allows
const SLOTS = 256; // dispatches in one batch of commands

/** The memory of a pass, in the order of its bindings. */
function blocksOf({ reads, writes }: Pass): Block[] {
  const blocks: Block[] = [];
  for (const name in reads) blocks.push(blockOf(reads[name]));
  for (const name in writes) blocks.push(blockOf(writes[name]));
  return blocks;
}

/** The error of a block that the device could not make. */
function errorOf(blocks: readonly Block[]): Outcome["error"] {
  for (const { outcome } of blocks) if (outcome.error !== undefined) return outcome.error;
  return undefined;
}

/** Collects the passes of operations instead of running them. */
export interface Rehearsal {
  readonly passes: Pass[];
  /** That of all its operations. It has an error from the start, because nothing is computed. */
  readonly outcome: Outcome;
}

/** Operations of which a batch keeps track, before it is submitted. */
const TRACKED = 4096;

/** The most bind groups that are kept. */
const MOST_GROUPS = 4096;
/** Bytes that make the garbage collector run: its soft limit for memory outside the heap. */
const COLLECTED_BYTES = 2 ** 26;

/**
 * Records dispatches and submits them in batches. Pipelines, bind groups and the uniform buffer are reused.
 *
 * A batch that the device refuses fails with all its dispatches, and so do the outcomes of the operations that they
 * belong to.
 */
export class Queue {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #waiting: Waiting;
  readonly programs: Programs;
  readonly #groups = new Map<string, GPUBindGroup>();
  readonly #uniforms: GPUBuffer;
  readonly #words = new ArrayBuffer(SLOT * SLOTS);
  readonly #integers = new Uint32Array(this.#words);
  readonly #floats = new Float32Array(this.#words);
  #slot = 0;
  #encoder: GPUCommandEncoder | undefined;
  #compute: GPUComputePassEncoder | undefined;
  /** The number of the batch that is being recorded. */
  batch = 0;
  #outcome = outcomeOf();
  /** What has part in the batch, in the order of its first dispatch. */
  #members: Outcome[] = [];
  /**
   * Whether the batch copies out; then it does nothing else, so that work that fails leaves reads of other memory
   * alone.
   */
  #copies = false;
  destroyed = false;
  /** Takes the times of all dispatches while it is set. */
  timer: Timer | undefined;
  /** Collects all dispatches while it is set. */
  rehearsal: Rehearsal | undefined;
  /** The operation that dispatches belong to. */
  operation: Outcome = outcomeOf();

  constructor(device: GPUDevice, faults: Faults, pools: readonly Pool[]) {
    this.#device = device;
    this.#faults = faults;
    this.programs = new Programs(device, faults);
    this.#waiting = new Waiting(faults, async (needed) => {
      const done = this.done().catch(() => undefined);
      for (const pool of pools) pool.trim(needed);
      this.#groups.clear();
      await done;
    });
    this.#uniforms = device.createBuffer({
      label: "attention-kernels uniforms",
      size: SLOT * SLOTS,
      usage: BufferUsage.UNIFORM | BufferUsage.COPY_DST,
    });
  }

  /** Begins an operation, which the dispatches and uploads that follow belong to. */
  begin(causes: Outcome[] = []): Outcome {
    return (this.operation = this.rehearsal?.outcome ?? outcomeOf(causes));
  }

  dispatch(pass: Pass): void {
    const limit = this.#device.limits.maxComputeWorkgroupsPerDimension;
    if (pass.workgroups.some((count) => count > limit)) {
      throw new UnsupportedError({
        where: labelOf(pass),
        wanted: `at most ${limit} workgroups in a dimension (maxComputeWorkgroupsPerDimension)`,
        got: pass.workgroups.join(" x "),
        fix: "Split the batch or the heads over several calls.",
      });
    }
    const blocks = blocksOf(pass);
    if (blocks.length > this.#device.limits.maxStorageBuffersPerShaderStage) {
      throw new UnsupportedError({
        where: labelOf(pass),
        wanted:
          `at most ${this.#device.limits.maxStorageBuffersPerShaderStage} storage buffers ` +
          "(maxStorageBuffersPerShaderStage)",
        got: String(blocks.length),
        fix: "On this adapter, do without a bias together with lengths or documents.",
      });
    }
    if (this.rehearsal !== undefined) {
      this.rehearsal.passes.push(pass);
      return;
    }
    const program = this.programs.of(pass);
    const { operation, timer } = this;
    if (this.#waiting.isEmpty && areKnown(blocks, program.outcome))
      this.#record(pass, blocks, program, operation, timer);
    else
      this.#waiting.add({
        blocks,
        program: program.outcome,
        bytes: 0,
        record: () => this.#record(pass, blocks, program, operation, timer),
      });
  }

  #record(pass: Pass, blocks: readonly Block[], program: Program, operation: Outcome, timer: Timer | undefined): void {
    const error = program.outcome.error ?? errorOf(blocks);
    if (error !== undefined) {
      this.#member(operation);
      this.#faults.fail(operation, error);
      return;
    }
    if (this.#slot === SLOTS || this.#copies) this.flush();
    const group = this.#group(program, blocks);
    const offset = this.#slot++ * SLOT;
    pack(pass.uniform, offset / 4, this.#integers, this.#floats);
    if (timer !== undefined) this.#compute?.end();
    const compute =
      timer === undefined ? (this.#compute ??= this.#recorder().beginComputePass()) : this.#timed(timer, pass);
    compute.setPipeline(program.pipeline);
    compute.setBindGroup(0, group, [offset]);
    compute.dispatchWorkgroups(...pass.workgroups);
    for (const block of blocks) {
      block.batch = this.batch;
      if (block.outcome.open) this.#outcome.causes.push(block.outcome);
    }
    if (program.outcome.open) this.#outcome.causes.push(program.outcome);
    if (operation.batch === this.batch) return;
    operation.batch = this.batch;
    operation.causes.push(this.#outcome);
    this.#member(operation);
  }

  #member(operation: Outcome): void {
    operation.open = true;
    this.#members.push(operation);
  }

  /** Copies memory to where JavaScript can read it. */
  copy({ source, from, to, at, bytes }: Copy, operation: Outcome): void {
    this.#enqueue([source, to], 0, operation, () => {
      if (this.#slot > 0) this.flush();
      this.#copies = true;
      this.#recorder().copyBufferToBuffer(source.buffer, source.offset + from, to.buffer, at, bytes);
      source.batch = to.batch = this.batch;
      operation.causes.push(this.#outcome);
    });
  }

  /** Writes now; commands recorded before that still use the block are submitted first. */
  upload(block: Block, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, operation = this.operation): void {
    if (operation === this.rehearsal?.outcome) return;
    this.#enqueue([block], data.byteLength, operation, () => {
      if (block.batch === this.batch || this.#members.length >= TRACKED) this.flush();
      this.#faults.watch("upload", operation, () => this.#device.queue.writeBuffer(block.buffer, 0, data));
    });
  }

  /** Does what needs no pipeline, when its memory is known to be there. */
  #enqueue(blocks: readonly Block[], bytes: number, operation: Outcome, body: () => void): void {
    const record = (): void => {
      const error = errorOf(blocks);
      if (error !== undefined) this.#faults.fail(operation, error);
      else {
        body();
        for (const { outcome } of blocks) if (outcome.open) operation.causes.push(outcome);
      }
      this.#member(operation);
    };
    if (this.#waiting.isEmpty && areKnown(blocks, undefined)) record();
    else this.#waiting.add({ blocks, program: undefined, bytes, record });
  }

  /** Resolves when everything so far is recorded; undefined where it is. */
  get recorded(): Promise<void> | undefined {
    return this.#waiting.emptied;
  }

  /** Submits what was recorded; does not wait for it. */
  flush(): void {
    const [encoder, outcome, members] = [this.#encoder, this.#outcome, this.#members];
    if (encoder === undefined && members.length === 0) return;
    this.#compute?.end();
    this.#encoder = this.#compute = undefined;
    this.#outcome = outcomeOf();
    this.#members = [];
    if (encoder !== undefined) {
      this.#faults.watch("submit", outcome, () => {
        if (this.#slot > 0) this.#device.queue.writeBuffer(this.#uniforms, 0, this.#words, 0, this.#slot * SLOT);
        this.#device.queue.submit([encoder.finish()]);
      });
    }
    void this.#faults.conclude([outcome, ...members]);
    this.#slot = 0;
    this.#copies = false;
    this.batch++;
  }

  /** Submits what was recorded; resolves when the device has done all that it was given. */
  done(): Promise<undefined> {
    this.flush();
    return idleUntil(this.#device, this.#device.queue.onSubmittedWorkDone());
  }

  destroy(): void {
    this.destroyed = true;
    this.#waiting.clear();
    this.#uniforms.destroy();
    this.#groups.clear();
  }

  /** Throws an `ArgumentError` while a profile runs. */
  checkUntimed(): void {
    if (this.timer === undefined) return;
    throw new ArgumentError({
      where: "gpu.profile",
      argument: "body",
      wanted: "work that does not profile itself",
      got: "a profile inside a profile",
    });
  }

  #timed(timer: Timer, pass: Pass): GPUComputePassEncoder {
    return (this.#compute = this.#recorder().beginComputePass({ timestampWrites: timer.next(labelOf(pass)) }));
  }

  #recorder(): GPUCommandEncoder {
    return (this.#encoder ??= this.#device.createCommandEncoder({ label: "attention-kernels" }));
  }

  #group({ layout, layoutId, label }: Program, blocks: readonly Block[]): GPUBindGroup {
    let key = layoutId;
    for (const { id } of blocks) key += `,${id}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const uniform = { binding: 0, resource: { buffer: this.#uniforms, size: SLOT } };
    const entries = [uniform, ...blocks.map((block, index) => ({ binding: index + 1, resource: resourceOf(block) }))];
    const group = this.#faults.watch("createBindGroup", this.#outcome, () =>
      this.#device.createBindGroup({ label, layout, entries }),
    );
    if (this.#groups.size >= MOST_GROUPS) {
      this.#groups.clear();
      // llvmpipe maps memory for every bind group, and Linux allows a process 65,530 maps. The garbage collector does
      // not see these maps, so it may run too late. Allocating this array makes it run. The array is never written to,
      // so it takes no memory.
      if (softwareDevices.has(this.#device)) void new ArrayBuffer(COLLECTED_BYTES);
    }
    this.#groups.set(key, group);
    return group;
  }
}
