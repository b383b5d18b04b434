import { describe, expect, it } from "vitest";
import { multiply, reshape, square, sum } from "../../src/autograd/ops.js";
import { valueAndGrad } from "../../src/autograd/grad.js";
import { ArgumentError, AttentionKernelsError, ShapeError, UnsupportedError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { tensorsIn, type Backend, type ParameterTree, type Tensor } from "../../src/core/tensor.js";
import { createCpu } from "../../src/cpu/backend.js";
import { cpu, float64 } from "../../src/cpu/cpu.js";
import { adam, adamw, gradientDescent, sgd } from "../../src/nn/optimizers.js";
import { cosineSchedule } from "../../src/nn/schedules.js";
import { restoreTree, snapshotsOf, tensorsOf } from "../../src/studies/runner/snapshot.js";
import { describeGpu } from "../support/gpu.js";

const optimizers = {
  adam: () => adam({ learningRate: 0.1 }),
  adamw: () => adamw({ learningRate: 0.1, weightDecay: 0.2 }),
  sgd: () => sgd({ learningRate: 0.1 }),
  gradientDescent: () => gradientDescent({ stepSize: 0.1 }),
};

/** Every step of six has another rate. */
const schedule = cosineSchedule({ start: 0.1, end: 0.01, steps: 6, warmup: 2 });

const resumable = {
  ...optimizers,
  "adam in a schedule": () => adam({ learningRate: schedule }),
  "adamw in a schedule": () => adamw({ learningRate: schedule, weightDecay: 0.2 }),
  "sgd in a schedule": () => sgd({ learningRate: schedule }),
  "gradientDescent in a schedule": () => gradientDescent({ stepSize: schedule }),
};

const draw = (backend: Backend, seed: number) => {
  const source = random(seed);
  return { a: backend.tensor(source.normals(6), [2, 3]), b: [backend.tensor(source.normals(4))] };
};

async function resumes(backend: Backend, make: () => ReturnType<typeof adam>): Promise<void> {
  const parameters = draw(backend, 1);
  const optimizer = make();
  for (let step = 2; step < 5; step++) optimizer.step(parameters, draw(backend, step));
  const kept = { parameters: await snapshotsOf(parameters), optimizer: await snapshotsOf(optimizer.state(parameters)) };
  const resumed = draw(backend, 99);
  const second = make();
  restoreTree(resumed, kept.parameters);
  second.restore(resumed, tensorsOf(kept.optimizer, backend) as ReturnType<typeof optimizer.state>);
  for (let step = 5; step < 8; step++) {
    optimizer.step(parameters, draw(backend, step));
    second.step(resumed, draw(backend, step));
  }
  expect(await snapshotsOf(resumed)).toEqual(await snapshotsOf(parameters));
  expect(await snapshotsOf(second.state(resumed))).toEqual(await snapshotsOf(optimizer.state(parameters)));
}

it.each(Object.entries(resumable))("%s goes on from its state bit for bit", (_, make) => resumes(cpu, make));

describeGpu("on the GPU", (gpu) => {
  it.each(Object.entries(resumable))("%s goes on from its state bit for bit", (_, make) => resumes(gpu(), make));
});

it("refuses the state of another optimiser", () => {
  const parameters = draw(cpu, 1);
  const other = sgd({ learningRate: 0.1 });
  other.step(parameters, draw(cpu, 2));
  expect(() => adam({ learningRate: 0.1 }).restore(parameters, other.state(parameters))).toThrow(ShapeError);
});

/** Three steps down Σ w⁴, with w under one name or under three. */
async function trained(backend: Backend, optimizer: ReturnType<typeof adam>, names: 1 | 3) {
  const w = backend.tensor([0.7, -0.9]);
  const tree: ParameterTree = names === 1 ? { a: w } : { a: w, nested: [{ b: w }, w] };
  for (let step = 0; step < 3; step++) {
    const { gradients } = valueAndGrad((p: ParameterTree) => {
      const [a, b = a, c = a] = tensorsIn(p);
      return sum(multiply(a, multiply(square(b), c)));
    }, tree);
    optimizer.step(tree, gradients);
  }
  return { w: await w.read(), state: await snapshotsOf(optimizer.state(tree)) };
}

async function stepsOnce(backend: Backend, make: () => ReturnType<typeof adam>): Promise<void> {
  const [shared, single] = [await trained(backend, make(), 3), await trained(backend, make(), 1)];
  shared.w.forEach((value, at) => expect(value).toBeCloseTo(single.w[at], 5));
  const sizes = ({ state }: typeof shared) => {
    const { steps, memories } = state as { readonly steps: number; readonly memories: readonly unknown[] };
    return [steps, memories.length];
  };
  expect(sizes(shared)).toEqual(sizes(single));
}

describe.each(Object.entries(optimizers))("%s: a tensor under several names", (_, make) => {
  it("takes one step with the summed gradient", () => stepsOnce(cpu, make));

  it("goes on from its state", async () => {
    const tree = (w: Tensor): ParameterTree => ({ a: w, b: [w] });
    const [w, resumed] = [cpu.tensor([1, 2]), cpu.tensor([5, 5])];
    const gradients = { a: cpu.tensor([1, -1]), b: [cpu.tensor([3, 0.5])] };
    const [first, second] = [make(), make()];
    first.step(tree(w), gradients);
    const kept = await snapshotsOf(first.state(tree(w)));
    restoreTree(tree(resumed), await snapshotsOf(tree(w)));
    second.restore(tree(resumed), tensorsOf(kept, cpu) as ReturnType<typeof first.state>);
    first.step(tree(w), gradients);
    second.step(tree(resumed), gradients);
    expect(await resumed.read()).toEqual(await w.read());
  });
});

describeGpu("a tensor under several names, on the GPU", (gpu) => {
  it.each(Object.entries(optimizers))("%s takes one step with the summed gradient", (_, make) =>
    stepsOnce(gpu(), make),
  );

  it("leaves no sums behind", () => {
    const w = gpu().tensor([2]);
    const [tree, gradients] = [
      { a: w, b: w, c: w },
      { a: gpu().tensor([1]), b: gpu().tensor([1]), c: gpu().tensor([1]) },
    ];
    const optimizer = optimizers.gradientDescent();
    optimizer.step(tree, gradients);
    const { used } = gpu().memory;
    optimizer.step(tree, gradients);
    expect(gpu().memory.used).toBe(used);
  });
});

it("gradients of a tensor under two names are the partial derivatives, and one step takes their sum", async () => {
  const w = cpu.tensor([2]);
  const tree = { a: w, b: w };
  const { gradients } = valueAndGrad(({ a, b }) => multiply(sum(multiply(a, b)), 2), tree);
  expect([await gradients.a.read(), await gradients.b.read()]).toEqual([Float64Array.of(4), Float64Array.of(4)]);
  gradientDescent({ stepSize: 0.1 }).step(tree, gradients);
  expect((await w.read())[0]).toBeCloseTo(1.2, 12);
});

it("one gradient tensor under two names of one parameter counts twice, as two do", async () => {
  const [w, g] = [cpu.tensor([2]), cpu.tensor([1])];
  gradientDescent({ stepSize: 0.5 }).step({ a: w, b: w }, { a: g, b: g });
  expect(await w.read()).toEqual(Float64Array.of(1));
});

describe.each(Object.entries(optimizers))("%s: what does not fit", (_, make) => {
  it("pairs gradients by name, in whatever order they stand", async () => {
    const parameters = { a: cpu.tensor([0]), b: [cpu.tensor([0]), cpu.tensor([0])] };
    const same = { a: cpu.tensor([0]), b: [cpu.tensor([0]), cpu.tensor([0])] };
    make().step(parameters, { b: [cpu.tensor([1]), cpu.tensor([-2])], a: cpu.tensor([3]) });
    make().step(same, { a: cpu.tensor([3]), b: [cpu.tensor([1]), cpu.tensor([-2])] });
    expect(await snapshotsOf(parameters)).toEqual(await snapshotsOf(same));
  });

  it("changes nothing unless everything can be changed", async () => {
    const gone = cpu.tensor([1, 1]);
    gone.dispose();
    const stranger: Backend = createCpu("another", (size) => new Float64Array(size), float64);
    const fine = { a: cpu.tensor([1]), b: cpu.tensor([1, 1]) };
    const wrong: [ParameterTree, typeof ShapeError | typeof ArgumentError][] = [
      [{ a: fine.a, b: cpu.tensor([1]) }, ShapeError],
      [{ a: fine.a, b: reshape(fine.b, [1, 2]) }, ShapeError],
      [{ a: fine.a }, ShapeError],
      [{ a: fine.a, B: fine.b }, ArgumentError],
      [[fine.a, fine.b], ArgumentError],
      [{ ...fine, c: fine.b }, ArgumentError],
      [{ a: fine.a, b: stranger.tensor([1, 1]) }, ArgumentError],
      [{ a: fine.a, b: gone }, ArgumentError],
    ];
    for (const [gradients, type] of wrong) {
      const parameters = { a: cpu.tensor([3]), b: cpu.tensor([4, 5]) };
      const optimizer = make();
      expect(() => optimizer.step(parameters, gradients)).toThrow(type);
      expect([await parameters.a.read(), await parameters.b.read()]).toEqual([
        Float64Array.of(3),
        Float64Array.of(4, 5),
      ]);
      expect(optimizer.state(parameters).steps).toBe(0);
    }
    expect(() => make().step({}, {})).toThrow(/parameters: wanted at least one tensor/);
  });

  it("refuses to step inside a loss", () => {
    const w = cpu.tensor([1]);
    const loss = (): Tensor => {
      make().step({ w }, { w: cpu.tensor([1]) });
      return sum(w);
    };
    expect(() => valueAndGrad(loss, { w })).toThrow(UnsupportedError);
  });

  it("refuses a state of another backend, and steps that are no number", () => {
    const parameters = { a: cpu.tensor([3]) };
    const optimizer = make();
    const { memories } = optimizer.state(parameters);
    expect(() => optimizer.restore(parameters, { steps: NaN, memories })).toThrow(ArgumentError);
    const stranger = createCpu("another", (size) => new Float64Array(size), float64);
    const foreign = memories.map((own) => own.map(() => stranger.tensor([0])));
    if (memories.flat().length > 0)
      expect(() => optimizer.restore(parameters, { steps: 1, memories: foreign })).toThrow(ShapeError);
  });
});

describe("values of options", () => {
  const rates: unknown[] = [undefined, NaN, 0, -0.1, Infinity, "0.1", null, [0.1]];
  const shares: unknown[] = [NaN, -0.1, 1, 1.5, "0.9", null];
  const factories = { adam, sgd, gradientDescent } as unknown as Record<
    string,
    (options: Record<string, unknown>) => unknown
  >;
  const above0: [string, string, object][] = [
    ["adam", "learningRate", {}],
    ["adam", "epsilon", { learningRate: 1 }],
    ["sgd", "learningRate", {}],
    ["gradientDescent", "stepSize", {}],
  ];
  const below1: [string, string, object][] = [
    ["adam", "beta1", { learningRate: 1 }],
    ["adam", "beta2", { learningRate: 1 }],
    ["sgd", "momentum", { learningRate: 1 }],
  ];

  it.each(above0)("%s refuses a %s that is no finite number above 0", (factory, name, rest) => {
    for (const value of rates.filter((rate) => rate !== undefined || name !== "epsilon")) {
      expect(() => factories[factory]({ ...rest, [name]: value }), String(value)).toThrow(
        new RegExp(`^${factory}: ${name}: wanted a finite number above 0`),
      );
    }
    expect(() => factories[factory]({ ...rest, [name]: 1e-3 })).not.toThrow();
  });

  it.each(below1)("%s refuses a %s outside of 0 to 1", (factory, name, rest) => {
    for (const value of shares)
      expect(() => factories[factory]({ ...rest, [name]: value }), String(value)).toThrow(AttentionKernelsError);
    expect(() => factories[factory]({ ...rest, [name]: 0 })).not.toThrow();
  });
});
