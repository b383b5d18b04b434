import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attention,
  AttentionKernelsError,
  cpu,
  defineKernel,
  DeviceError,
  ops,
  random,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { errorOf, seed, sized, within } from "../support/attack.js";
import { describeGpu } from "../support/gpu.js";
import { N, SHAPE, ROUNDING, type Numbers, functions } from "../support/random-functions.js";

type Step =
  | { readonly kind: "tensor"; readonly seed: number }
  | { readonly kind: "apply"; readonly name: string; readonly a: number; readonly b: number }
  | { readonly kind: "dispose" | "read" | "mistake" | "broken"; readonly a: number }
  | { readonly kind: "finish" }
  | { readonly kind: "scope"; readonly body: readonly Step[]; readonly fails: boolean };

const place = fc.nat(1000);
const plainStep = (withBroken: boolean): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("tensor" as const), seed: fc.nat(1000) }) },
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant("apply" as const),
        name: fc.constantFrom(...Object.keys(functions)),
        a: place,
        b: place,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom("dispose" as const, "read" as const, "read" as const, "mistake" as const),
        a: place,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "finish" as const }) },
    ...(withBroken ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constant("broken" as const), a: place }) }] : []),
  );
const steps = (withBroken: boolean): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: plainStep(withBroken) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant("scope" as const),
          body: fc.array(plainStep(withBroken), { maxLength: 8 }),
          fails: fc.boolean(),
        }),
      },
    ),
    { minLength: 4, maxLength: sized(24, 60) },
  );

/** A tensor, what it holds, and what is known of its fate on the device. */
interface Entry {
  readonly tensor: Tensor;
  readonly numbers: Numbers;
  readonly error: number;
  readonly parents: readonly Entry[];
  /** Reads and other waits before it was made: what was queued between two of them may have been one batch. */
  readonly epoch: number;
  /** Whether it is computed by a shader that does not compile. */
  readonly dead: boolean;
  disposed: boolean;
  /** Of its first read. */
  outcome?: "numbers" | "rejected";
}

class Program {
  readonly entries: Entry[] = [];
  readonly failedEpochs = new Set<number>();
  epoch = 0;

  constructor(readonly backend: Backend) {}

  live(): Entry[] {
    return this.entries.filter(({ disposed }) => !disposed);
  }

  make(tensor: Tensor, numbers: Numbers, error: number, parents: readonly Entry[], isBroken = false): Entry {
    const entry = {
      tensor,
      numbers,
      error,
      parents,
      epoch: this.epoch,
      dead: isBroken || parents.some(({ dead }) => dead),
      disposed: false,
    };
    this.entries.push(entry);
    return entry;
  }

  upload(from: number): Entry {
    const numbers = Float64Array.from(random(from).normals(N * N), (x) => Math.fround(Math.tanh(x)));
    return this.make(this.backend.tensor(numbers, SHAPE), numbers, 0, []);
  }

  /** Whether a failure may have taken the tensor with it: a batch fails as one. */
  mayFail(entry: Entry): boolean {
    return entry.dead || this.failedEpochs.has(entry.epoch) || entry.parents.some((parent) => this.mayFail(parent));
  }

  async read(entry: Entry): Promise<void> {
    let got: ArrayLike<number> | undefined;
    const error = await within(
      "a read",
      errorOf(async () => (got = await entry.tensor.read())),
    );
    this.epoch++;
    if (got === undefined) {
      expect(error).toBeInstanceOf(DeviceError);
      expect(this.mayFail(entry), `a tensor that has no part in a failure rejects: ${String(error)}`).toBe(true);
    } else {
      expect(entry.dead, "a tensor of a broken shader has numbers").toBe(false);
      expect(
        entry.parents.some(({ outcome }) => outcome === "rejected"),
        "a tensor has numbers and what it is computed from has none",
      ).toBe(false);
      entry.numbers.forEach((number, at) =>
        expect(Math.abs(got![at] - number)).toBeLessThanOrEqual(entry.error + ROUNDING),
      );
    }
    const outcome = got === undefined ? "rejected" : "numbers";
    if (entry.outcome !== undefined) expect(outcome, "a later read").toBe(entry.outcome);
    entry.outcome = outcome;
  }

  /** A step that waits for nothing; what it made. */
  step(step: Step): Entry | undefined {
    const live = this.live();
    const at = (index: number): Entry => live[index % live.length];
    if (step.kind === "tensor" || live.length === 0) return this.upload(step.kind === "tensor" ? step.seed : 1);
    if (step.kind === "apply") {
      const { run, plain, stretch } = functions[step.name];
      const [a, b] = [at(step.a), at(step.b)];
      const output = this.backend.scope(() => run(a.tensor, b.tensor));
      return this.make(
        output,
        plain(a.numbers, b.numbers),
        stretch[0] * a.error + stretch[1] * b.error + ROUNDING,
        stretch[1] === 0 ? [a] : [a, b],
      );
    }
    if (step.kind === "dispose") {
      const entry = at(step.a);
      entry.disposed = true;
      entry.tensor.dispose();
      expect(() => ops.add(entry.tensor, 1)).toThrow(AttentionKernelsError);
    } else if (step.kind === "mistake") {
      const { tensor } = at(step.a);
      expect(() => this.backend.scope(() => ops.matmul(tensor, ops.slice(tensor, 0, 0, 3)))).toThrow(
        AttentionKernelsError,
      );
    } else if (step.kind === "broken" && this.backend.name === "gpu") {
      const a = at(step.a);
      const kernel = defineKernel({ name: "broken", score: () => 0, partials: () => undefined, wgsl: "fn score(" });
      this.failedEpochs.add(this.epoch);
      const output = this.backend.scope(() => {
        const x = ops.reshape(a.tensor, [1, 1, N, N]);
        return ops.reshape(attention(kernel, { q: x, k: x, v: x }), SHAPE);
      });
      return this.make(output, a.numbers, 0, [a], true);
    }
    return undefined;
  }

  /** Steps in a scope, of which the last thing made lives on; in one that fails, nothing does. */
  scope(body: readonly Step[], fails: boolean): void {
    const first = this.entries.length;
    let last: Entry | undefined;
    const failure = new Error("of the body");
    try {
      this.backend.scope(() => {
        for (const step of body) last = this.step(step) ?? last;
        if (fails) throw failure;
        return last?.disposed ? undefined : last?.tensor;
      });
    } catch (error) {
      if (error !== failure) throw error;
      last = undefined;
    }
    for (const entry of this.entries.slice(first)) {
      if (entry !== last) entry.disposed = true;
      expect(entry.tensor.disposed).toBe(entry.disposed);
    }
  }

  async run(all: readonly Step[]): Promise<void> {
    for (const step of all) {
      const live = this.live();
      if (step.kind === "scope") this.scope(step.body, step.fails);
      else if (step.kind === "read") {
        if (live.length > 0) await this.read(live[step.a % live.length]);
      } else if (step.kind === "finish") {
        if (!("finish" in this.backend)) continue;
        const error = await within(
          "finish",
          errorOf(() => (this.backend as Backend & { finish(): Promise<void> }).finish()),
        );
        if (error !== undefined) expect(this.failedEpochs.size).toBeGreaterThan(0);
        this.epoch++;
      } else this.step(step);
    }
    for (let again = 0; again < 2; again++) for (const entry of this.live()) await this.read(entry);
    for (const entry of this.live()) entry.tensor.dispose();
  }
}

const runs = (short: number, whole: number) => ({ seed: seed | 0, numRuns: sized(short, whole), endOnFailure: false });

describe("random programs", () => {
  it("on the CPU compute what plain float64 does", async () => {
    await fc.assert(
      fc.asyncProperty(steps(false), (program) => new Program(cpu).run(program)),
      runs(30, 2000),
    );
  });
});

describeGpu("random programs", (gpu) => {
  const check = async (program: readonly Step[]): Promise<void> => {
    await errorOf(() => gpu().finish()); // a failure that no read of the program before has told
    const before = gpu().memory.used;
    await new Program(gpu()).run(program);
    expect(gpu().memory.used).toBe(before);
  };

  it("on the GPU compute what plain float64 does, and give all memory back", async () => {
    await fc.assert(fc.asyncProperty(steps(false), check), runs(15, 300));
  });

  it("with shaders that do not compile: what they touch rejects for good, all else is right", async () => {
    await fc.assert(fc.asyncProperty(steps(true), check), runs(15, 300));
  });
});
