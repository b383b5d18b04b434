import { describe, expect, it } from "vitest";
import { ArgumentError, cpu, type Backend, type Tensor } from "../../src/index.js";
import {
  adam,
  adamw,
  constantSchedule,
  cosineSchedule,
  gradientDescent,
  linearSchedule,
  sgd,
} from "../../src/nn/index.js";
import { describeGpu } from "../support/gpu.js";

const numbersOf = async (tensor: Tensor) => Array.from(await tensor.read());
const slope = (step: number, at: number): number => Math.sin(1 + 3 * step + at);

describe("adamw", () => {
  /** The algorithm of arXiv 1711.05101, line by line. */
  function wanted(start: readonly number[], decay: number, rateAt: (step: number) => number, steps: number): number[] {
    const [b1, b2, epsilon] = [0.8, 0.95, 1e-6];
    return start.map((p, at) => {
      let [m, v] = [0, 0];
      for (let t = 1; t <= steps; t++) {
        const g = slope(t, at);
        m = b1 * m + (1 - b1) * g;
        v = b2 * v + (1 - b2) * g * g;
        const [mHat, vHat] = [m / (1 - b1 ** t), v / (1 - b2 ** t)];
        p -= rateAt(t - 1) * (mHat / (Math.sqrt(vHat) + epsilon) + decay * p);
      }
      return p;
    });
  }

  async function agrees(backend: Backend, digits: number): Promise<void> {
    const start = [0.5, -1.5, 2, 3];
    const rate = cosineSchedule({ start: 0.1, end: 0.01, steps: 7, warmup: 2 });
    const parameters = { weight: backend.tensor(start, [2, 2]), bias: backend.tensor(start) };
    const optimizer = adamw({ learningRate: rate, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.3 });
    for (let step = 1; step <= 7; step++) {
      const slopes = start.map((_, at) => slope(step, at));
      optimizer.step(parameters, { weight: backend.tensor(slopes, [2, 2]), bias: backend.tensor(slopes) });
    }
    const [weight, bias] = [await numbersOf(parameters.weight), await numbersOf(parameters.bias)];
    wanted(start, 0.3, rate, 7).forEach((number, at) => expect(weight[at]).toBeCloseTo(number, digits));
    wanted(start, 0, rate, 7).forEach((number, at) => expect(bias[at]).toBeCloseTo(number, digits));
  }

  it("is its formula, with decay for matrices alone", () => agrees(cpu, 12));

  /** Three steps of an optimiser over a matrix and a vector. */
  async function moved(backend: Backend, optimizer: ReturnType<typeof adam>): Promise<number[]> {
    const parameters = { w: backend.tensor([0.1, -2.3], [1, 2]), v: backend.tensor([3.7]) };
    for (let step = 1; step < 4; step++)
      optimizer.step(parameters, {
        w: backend.tensor([slope(step, 0), slope(step, 1)], [1, 2]),
        v: backend.tensor([slope(step, 2)]),
      });
    return [...(await numbersOf(parameters.w)), ...(await numbersOf(parameters.v))];
  }

  async function isAdamWithoutDecay(backend: Backend): Promise<void> {
    const plain = await moved(backend, adam({ learningRate: 0.1 }));
    expect(await moved(backend, adamw({ learningRate: 0.1, weightDecay: 0 }))).toEqual(plain);
    expect(await moved(backend, adamw({ learningRate: 0.1, decays: () => false }))).toEqual(plain);
    expect((await moved(backend, adamw({ learningRate: 0.1 }))).map((x, at) => x === plain[at])).toEqual([
      false,
      false,
      true,
    ]);
  }

  it("decays once a tensor of which one name decays", async () => {
    const w = cpu.tensor([2]);
    const optimizer = adamw({ learningRate: 0.1, weightDecay: 0.5, decays: (name) => name === "b.0" });
    optimizer.step({ a: w, b: [w] }, { a: cpu.tensor([0]), b: [cpu.tensor([0])] });
    expect((await numbersOf(w))[0]).toBeCloseTo(2 - 0.1 * 0.5 * 2, 14);
  });

  it("without decay is adam, bit for bit", () => isAdamWithoutDecay(cpu));

  it("lets the caller choose what decays, before anything changes", async () => {
    const plain = await moved(cpu, adam({ learningRate: 0.1 }));
    const some = await moved(cpu, adamw({ learningRate: 0.1, weightDecay: 0.5, decays: (name) => name === "v" }));
    expect(some.slice(0, 2)).toEqual(plain.slice(0, 2));
    expect(some[2]).not.toBe(plain[2]);
    const parameters = { a: cpu.tensor([1]), b: cpu.tensor([2]) };
    const decays = (name: string): boolean => {
      if (name === "a") return true;
      throw new RangeError("mine");
    };
    const optimizer = adamw({ learningRate: 0.1, decays });
    expect(() => optimizer.step(parameters, { a: cpu.tensor([1]), b: cpu.tensor([1]) })).toThrow("mine");
    expect(await numbersOf(parameters.a)).toEqual([1]);
  });

  describeGpu("on the GPU", (gpu) => {
    it("is its formula", () => agrees(gpu(), 5));

    it("without decay is adam, bit for bit", () => isAdamWithoutDecay(gpu()));
  });
});

describe("a schedule", () => {
  it("rises, then stays, falls on a line or on a cosine", () => {
    const at = (schedule: (step: number) => number) => [0, 1, 2, 3, 6, 10, 99].map(schedule);
    const [start, warmup, steps, end] = [0.8, 3, 11, 0.2];
    const line = (step: number): number => 0.8 - (0.6 * (step - 3)) / 7;
    const rise = [0.2, 0.4, 0.6];
    const close = (got: number[], wanted: number[]) => got.forEach((x, i) => expect(x).toBeCloseTo(wanted[i], 14));
    close(at(constantSchedule({ start, warmup })), [...rise, 0.8, 0.8, 0.8, 0.8]);
    close(at(linearSchedule({ start, warmup, steps, end })), [...rise, 0.8, line(6), 0.2, 0.2]);
    const cosine = 0.2 + 0.3 * (1 + Math.cos((3 * Math.PI) / 7));
    close(at(cosineSchedule({ start, warmup, steps, end })), [...rise, 0.8, cosine, 0.2, 0.2]);
  });

  it("has steps to fall after its warm-up", () => {
    for (const schedule of [linearSchedule, cosineSchedule])
      expect(() => schedule({ start: 1, steps: 5, warmup: 5 })).toThrow(/warmup: wanted fewer than the 5 steps, got 5/);
  });

  const optimizers = {
    gradientDescent: (rate: number | ((step: number) => number)) => gradientDescent({ stepSize: rate }),
    sgd: (learningRate: number | ((step: number) => number)) => sgd({ learningRate }),
    adam: (learningRate: number | ((step: number) => number)) => adam({ learningRate }),
    adamw: (learningRate: number | ((step: number) => number)) => adamw({ learningRate }),
  };
  const steps = (optimizer: ReturnType<typeof adam>, w: Tensor, count: number): void => {
    for (let step = 0; step < count; step++) optimizer.step({ w }, { w: cpu.tensor([1, -0.5]) });
  };

  it.each(Object.entries(optimizers))("decides the steps of %s, also after restore", async (_, make) => {
    const rate = (step: number): number => 0.1 / (1 + step);
    const [w, twin] = [cpu.tensor([1, 2]), cpu.tensor([1, 2])];
    const [whole, first] = [make(rate), make(rate)];
    steps(whole, w, 6);
    steps(first, twin, 3);
    const second = make(rate);
    second.restore({ w: twin }, first.state({ w: twin }));
    steps(second, twin, 3);
    expect(await numbersOf(twin)).toEqual(await numbersOf(w));
    const constant = cpu.tensor([1, 2]);
    steps(make(0.1), constant, 6);
    expect(await numbersOf(constant)).not.toEqual(await numbersOf(w));
  });

  async function follow(backend: Backend, digits: number): Promise<void> {
    const rate = (t: number): number => 0.3 / (1 + t);
    const formulas: [ReturnType<typeof adam>, (g: number, t: number, kept: number[]) => number][] = [
      [gradientDescent({ stepSize: rate }), (g) => g],
      [sgd({ learningRate: rate, momentum: 0.7 }), (g, _t, kept) => (kept[0] = 0.7 * kept[0] + g)],
      [
        adam({ learningRate: rate, beta1: 0.8, beta2: 0.9, epsilon: 1e-3 }),
        (g, t, kept) => {
          kept[0] = 0.8 * kept[0] + 0.2 * g;
          kept[1] = 0.9 * kept[1] + 0.1 * g * g;
          return kept[0] / (1 - 0.8 ** t) / (Math.sqrt(kept[1] / (1 - 0.9 ** t)) + 1e-3);
        },
      ],
    ];
    for (const [optimizer, direction] of formulas) {
      const w = backend.tensor([1.5]);
      const kept = [0, 0];
      let p = 1.5;
      for (let t = 1; t <= 6; t++) {
        optimizer.step({ w }, { w: backend.tensor([slope(t, 0)]) });
        p -= rate(t - 1) * direction(slope(t, 0), t, kept);
      }
      expect((await numbersOf(w))[0]).toBeCloseTo(p, digits);
    }
  }

  it("gives each step of an optimiser's formula its rate", () => follow(cpu, 12));

  describeGpu("on the GPU", (gpu) => {
    it("gives each step of an optimiser's formula its rate", () => follow(gpu(), 5));
  });

  it("may be replaced by a number at any time; what gives no rate changes nothing", async () => {
    const w = cpu.tensor([1, 2]);
    const optimizer = gradientDescent({ stepSize: () => 0.5 });
    steps(optimizer, w, 1);
    optimizer.learningRate = 0.25;
    steps(optimizer, w, 1);
    expect(await numbersOf(w)).toEqual([1 - 0.5 - 0.25, 2 + 0.25 + 0.125]);
    for (const wrong of [0, -1, NaN, "0.1"] as number[])
      expect(() => (optimizer.learningRate = wrong)).toThrow(
        /learningRate: wanted a finite number above 0, or a schedule/,
      );
    const before = await numbersOf(w);
    for (const wrong of [NaN, -1, "1"] as number[]) {
      optimizer.learningRate = () => wrong;
      expect(() => steps(optimizer, w, 1)).toThrow(ArgumentError);
    }
    expect(await numbersOf(w)).toEqual(before);
  });
});
