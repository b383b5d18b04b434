import { DeviceError, DeviceLostError, ShaderCompileError, type AttentionKernelsError } from "../core/errors.js";

/** What became of work on the device: a batch of commands, an operation, memory, a pipeline. */
export interface Outcome {
  /** Why it failed; undefined while it has not. */
  error: AttentionKernelsError | undefined;
  /** Whether the device has yet to say. */
  open: boolean;
  /** What it builds on: it fails with the first of them that fails. Emptied when it is known. */
  readonly causes: Outcome[];
  /** The last batch of commands that it has part in. */
  batch: number;
}

/** Work that is about to begin. */
export function outcomeOf(causes: Outcome[] = []): Outcome {
  return { error: undefined, open: true, causes, batch: -1 };
}

/** Error scopes end in the order opposite to that in which they began. */
const filters = ["validation", "out-of-memory", "internal"] as const;
const backwards = [...filters].reverse();

/** Milliseconds within which a device that failed a read says that it is lost. */
const PATIENCE = 100;

/** Learns what goes wrong on a device, and with which work: nothing fails silently. */
export class Faults {
  readonly #device: GPUDevice;
  /** What the device has yet to report on, and what is known when it has, since the last call of `conclude`. */
  #reports: Promise<void>[] = [];
  #resources: Outcome[] = [];
  #concluded: Promise<void> = Promise.resolve();
  readonly #told = new WeakSet<AttentionKernelsError>();
  readonly #untold = new Set<AttentionKernelsError>();
  #lost: DeviceLostError | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
    void device.lost.then(({ reason, message }) => {
      this.#lost = new DeviceLostError({
        where: "gpu",
        wanted: "a living device",
        got: reason === "destroyed" ? "one that was disposed" : `a lost one (${message})`,
        fix: "Ask for a new one with requestGpu() and upload the data again.",
      });
    });
  }

  /** Runs calls to the device; the first error that they cause is that of `outcome`. */
  watch<Result>(label: string, outcome: Outcome, body: () => Result): Result {
    for (const filter of filters) this.#device.pushErrorScope(filter);
    try {
      return body();
    } finally {
      for (const filter of backwards) {
        this.#await(
          this.#device.popErrorScope().then((error) => {
            if (error !== null) outcome.error ??= new DeviceError(`gpu: ${filter} error in ${label}: ${error.message}`);
          }),
        );
      }
    }
  }

  /** Makes memory or a pipeline, whose outcome is known after the next `conclude`. */
  make<Result>(
    label: string,
    body: (outcome: Outcome) => Result,
  ): { readonly made: Result; readonly outcome: Outcome } {
    const outcome = outcomeOf();
    this.#resources.push(outcome);
    return { made: this.watch(label, outcome, () => body(outcome)), outcome };
  }

  /**
   * Puts the compile errors of a linked shader, at their places in its files, before every other error of the outcome.
   */
  watchModule(outcome: Outcome, module: GPUShaderModule, locate: (line: number) => string): void {
    this.#await(
      module.getCompilationInfo().then(({ messages }) => {
        const errors = messages.filter(({ type }) => type === "error");
        if (errors.length === 0) return;
        const lines = errors.map(({ lineNum, linePos, message }) => `${locate(lineNum)}:${linePos}: ${message}`);
        outcome.error = new ShaderCompileError(`shader: ${lines.join("; ")}`);
      }),
    );
  }

  #await(report: Promise<void>): void {
    // A device that goes away rejects what is pending; whoever waits then asks whether it is alive.
    this.#reports.push(report.catch(() => undefined));
  }

  /**
   * Resolves when the device has reported on everything watched so far; `work` is then known, in the order of these
   * calls.
   */
  conclude(work: readonly Outcome[] = []): Promise<void> {
    const [reports, resources] = [this.#reports, this.#resources];
    if (reports.length === 0 && work.length === 0) return this.#concluded;
    this.#reports = [];
    this.#resources = [];
    this.#concluded = this.#concluded.then(async () => {
      await Promise.all(reports);
      for (const outcome of resources) outcome.open = false;
      for (const outcome of work) this.#settle(outcome);
    });
    return this.#concluded;
  }

  #settle(outcome: Outcome): void {
    outcome.open = false;
    const cause = outcome.causes.find(({ error }) => error !== undefined);
    outcome.causes.length = 0;
    const error = cause?.error ?? outcome.error;
    if (error !== undefined) this.fail(outcome, error);
  }

  /** Lets work fail. */
  fail(outcome: Outcome, error: AttentionKernelsError): void {
    outcome.error = error;
    if (!this.#told.has(error)) this.#untold.add(error);
  }

  /** An error that a caller is told. */
  tell(error: AttentionKernelsError): AttentionKernelsError {
    this.#told.add(error);
    this.#untold.delete(error);
    return error;
  }

  /** Throws the first error that nobody has been told; the others count as told with it. */
  throwUntold(): void {
    this.checkAlive();
    const [first] = this.#untold;
    for (const error of this.#untold) this.tell(error);
    if (first !== undefined) throw first;
  }

  /** Throws if the device is gone. */
  checkAlive(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Why the device did not do what it was told: it is lost, or else the `failure`. */
  async explain(failure: string): Promise<DeviceError> {
    await Promise.race([this.#device.lost, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
    return this.#lost ?? new DeviceError(failure);
  }

  /** Resolves when the device is gone and nothing is awaited any more. */
  async end(): Promise<void> {
    await this.#device.lost;
    await this.conclude();
  }
}
