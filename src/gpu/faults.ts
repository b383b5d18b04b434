import { DeviceError, DeviceLostError, ShaderCompileError, type AttentionKernelsError } from "../core/errors.js";

const filters = ["validation", "out-of-memory", "internal"] as const;

/** Collects what goes wrong on a device, until somebody reads: nothing fails silently. */
export class Faults {
  readonly #device: GPUDevice;
  readonly #pending = new Set<Promise<void>>();
  #found: AttentionKernelsError[] = [];
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

  /** Runs calls to the device; an error they cause is kept for the next `settle`. */
  watch<Result>(label: string, body: () => Result): Result {
    for (const filter of filters) this.#device.pushErrorScope(filter);
    try {
      return body();
    } finally {
      for (const filter of [...filters].reverse()) {
        this.#await(
          this.#device.popErrorScope().then((error) => {
            if (error === null) return;
            this.#found.push(new DeviceError(`gpu: ${filter} error in ${label}: ${error.message}`));
          }),
        );
      }
    }
  }

  /** Keeps the compile errors of a linked shader, at their places in its files. */
  watchModule(module: GPUShaderModule, locate: (line: number) => string): void {
    this.#await(
      module.getCompilationInfo().then(({ messages }) => {
        const errors = messages.filter(({ type }) => type === "error");
        if (errors.length === 0) return;
        const lines = errors.map(({ lineNum, linePos, message }) => `${locate(lineNum)}:${linePos}: ${message}`);
        this.#found.unshift(new ShaderCompileError(`shader: ${lines.join("; ")}`));
      }),
    );
  }

  #await(report: Promise<void>): void {
    // A device that goes away rejects what is pending; `settle` then says that it is lost.
    const done = report.catch(() => undefined).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  /** Throws if the device is gone. */
  checkAlive(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Resolves when the device is gone and nothing is awaited any more. */
  async end(): Promise<void> {
    await this.#device.lost;
    await Promise.all(this.#pending);
  }

  /** Waits for the reports of everything watched so far, and throws the first error among them, once. */
  async settle(): Promise<void> {
    await Promise.all(this.#pending);
    this.checkAlive();
    const [first] = this.#found;
    this.#found = [];
    if (first !== undefined) throw first;
  }
}
