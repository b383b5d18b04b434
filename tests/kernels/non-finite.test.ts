import { describe, expect, it } from "vitest";
import {
  attention,
  booleanMask,
  causal,
  cpu,
  kernels,
  ops,
  valueAndGrad,
  type AttentionInputs,
  type AttentionOptions,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { attentionCases, learnedBy } from "../support/attention.js";
import { inputsOf, upload } from "../support/cases.js";
import { describeGpu, plain, tiles } from "../support/gpu.js";

type Numbers = Readonly<Record<string, ArrayLike<number>>>;

const names = Object.keys(kernels);
const tiled = names.filter((name) => "formula" in kernels[name]());
/** Enough tokens for the form that keeps rows in registers. */
const [heads, n, m, d, dv] = [2, 36, 40, 8, 8];

/** x with 0/0, or 1/0, made on the device in the place of one number. */
function spoiled(x: Tensor, at: number, how: "NaN" | "infinity"): Tensor {
  const { backend, shape, size } = x;
  const zero = backend.tensor(
    Float32Array.from({ length: size }, (_, index) => (index === at ? 0 : 1)),
    shape,
  );
  const top = backend.tensor(
    Float32Array.from({ length: size }, (_, index) => (index === at && how === "NaN" ? 0 : 1)),
    shape,
  );
  return ops.add(x, ops.subtract(ops.divide(top, zero), 1));
}

const shapesOf = (name: string): Record<string, readonly number[]> =>
  attentionCases(name, { batch: 1, heads, n, m, d, dv }).fused.shapes;

/** Inputs near their initial values, so that no weight vanishes. */
function inputsFor(backend: Backend, name: string): Record<string, Tensor> {
  const shapes = shapesOf(name);
  const learned = learnedBy(kernels[name]()).map((parameter) => parameter.name);
  return Object.fromEntries(
    Object.entries(upload(backend, inputsOf({ shapes }), shapes)).map(([input, x]) => [
      input,
      learned.includes(input) ? ops.add(ops.multiply(x, 0.1), 1) : ops.multiply(x, 0.5),
    ]),
  );
}

interface Fault {
  /** Which number of which input. */
  readonly input: string;
  readonly at: number;
  readonly how: "NaN" | "infinity";
}

async function results(backend: Backend, name: string, options: AttentionOptions, fault?: Fault): Promise<Numbers> {
  const made = inputsFor(backend, name);
  const inputs =
    fault === undefined || !(fault.input in made)
      ? made
      : { ...made, [fault.input]: spoiled(made[fault.input], fault.at, fault.how) };
  const used =
    fault?.input === "pair bias"
      ? { ...options, bias: spoiled(backend.full(0, [1, heads, n, m]), fault.at, fault.how) }
      : options;
  const run = (all: Record<string, Tensor>): Tensor =>
    attention(kernels[name](), all as unknown as AttentionInputs, used);
  const output = run(inputs);
  const plainCotangent = backend.full(1, output.shape);
  const cotangent = fault?.input === "cotangent" ? spoiled(plainCotangent, fault.at, fault.how) : plainCotangent;
  const { gradients } = valueAndGrad(
    (all: Record<string, Tensor>) => ops.sum(ops.multiply(run(all), cotangent)),
    inputs,
  );
  const read = async ([key, tensor]: readonly [string, Tensor]): Promise<readonly [string, ArrayLike<number>]> => [
    key,
    await tensor.read(),
  ];
  return Object.fromEntries(await Promise.all([["output", output] as const, ...Object.entries(gradients)].map(read)));
}

/** The tokens of every head whose numbers are not all finite. */
function lost(values: ArrayLike<number>, width: number): number[] {
  const rows = new Set<number>();
  Array.from(values).forEach((value, index) => void (Number.isFinite(value) || rows.add(Math.floor(index / width))));
  return [...rows].sort((a, b) => a - b);
}

/** Rows from `first` to before `end` of head 1. */
const rows = (count: number, first: number, end = count): number[] =>
  Array.from({ length: end - first }, (_, row) => count + first + row);

/** Token 5 of head 1: its first number. */
const fifth = (input: "q" | "k" | "v", width: number): Fault => ({
  input,
  at: ({ q: n, k: m, v: m }[input] + 5) * width,
  how: "NaN",
});

/** Where each mask lets queries see key 5. */
const masks: Readonly<
  Record<
    string,
    { readonly options: AttentionOptions; readonly seesKey: readonly [number, number]; readonly seesAny: boolean }
  >
> = {
  "every pair": { options: {}, seesKey: [0, n], seesAny: true },
  causal: { options: { mask: causal() }, seesKey: [5, n], seesAny: true },
  "key 5 hidden": {
    options: {
      mask: booleanMask(
        Uint8Array.from({ length: n * m }, (_, pair) => (pair % m === 5 ? 0 : 1)),
        [1, 1, n, m],
      ),
    },
    seesKey: [0, 0],
    seesAny: true,
  },
  "query 5 sees nothing": {
    options: {
      mask: booleanMask(
        Uint8Array.from({ length: n * m }, (_, pair) => (Math.floor(pair / m) === 5 ? 0 : 1)),
        [1, 1, n, m],
      ),
    },
    seesKey: [0, n],
    seesAny: false,
  },
};

const takes = (name: string, option: "mask" | "bias"): boolean =>
  "formula" in kernels[name]() || ((kernels[name]() as { options?: readonly string[] }).options ?? []).includes(option);
const looksAtTokens = (name: string): boolean => kernels[name]().projections !== "values";

/** What NaN in one place must do, and not do, to outputs and gradients. */
function holdNonFinite(
  backend: () => Backend,
  chosen: readonly string[],
  under: readonly string[] = Object.keys(masks),
): void {
  for (const title of under) {
    const { options, seesKey, seesAny } = masks[title];
    const able = chosen.filter((name) => options.mask === undefined || takes(name, "mask"));
    it.each(able)(`%s, ${title}: NaN arrives in the outputs that see it, and in no other`, async (name) => {
      const clean = await results(backend(), name, options);
      for (const values of Object.values(clean)) expect(lost(values, 1)).toEqual([]);
      const seeing = rows(n, ...seesKey).filter((row) => seesAny || row !== n + 5);
      const check = async (fault: Fault, wanted: readonly number[]): Promise<void> => {
        const { output } = await results(backend(), name, options, fault);
        expect(lost(output, dv), `${fault.how} in ${fault.input}`).toEqual(wanted);
        Array.from(output).forEach((value, index) => {
          if (!wanted.includes(Math.floor(index / dv)))
            expect(value, `output ${index} beside ${fault.how} in ${fault.input}`).toBeCloseTo(
              clean["output"][index],
              4,
            );
        });
      };
      for (const how of ["NaN", "infinity"] as const) {
        await check({ ...fifth("v", dv), how }, seeing);
        if (!looksAtTokens(name)) continue;
        await check({ ...fifth("k", d), how }, seeing);
        await check({ ...fifth("q", d), how }, seesAny ? [n + 5] : []);
      }
    });

    it.each(able)(
      `%s, ${title}: NaN arrives in the gradients that depend on it, and hidden places give none`,
      async (name) => {
        const clean = await results(backend(), name, options);
        if (seesKey[1] === 0) {
          for (const fault of [fifth("v", dv), ...(looksAtTokens(name) ? [fifth("k", d)] : [])]) {
            const spoiltResults = await results(backend(), name, options, fault);
            for (const [gradient, values] of Object.entries(spoiltResults))
              expect(lost(values, 1), `${gradient} beside NaN in a hidden ${fault.input}`).toEqual([]);
          }
          return;
        }
        if (!seesAny) {
          if (!looksAtTokens(name)) return;
          const gradients = await results(backend(), name, options, fifth("q", d));
          for (const [gradient, values] of Object.entries(gradients))
            expect(lost(values, 1), `${gradient} beside NaN in a hidden q`).toEqual([]);
          return;
        }
        // The value's NaN: in its own weights' cotangents, and through them in what the seeing rows learn.
        if (looksAtTokens(name)) {
          const byValue = await results(backend(), name, options, fifth("v", dv));
          expect(lost(byValue["q"], d)).toEqual(rows(n, ...seesKey));
          expect(lost(byValue["k"], d)).toContain(m + 5);
          const byQuery = await results(backend(), name, options, fifth("q", d));
          expect(lost(byQuery["q"], d)).toEqual([n + 5]);
          const weighed = options.mask === undefined ? rows(m, 0) : rows(m, 0, 6);
          // Compositions sum cotangents over all rows, hidden ones too.
          expect(lost(byQuery["v"], dv)).toEqual(tiled.includes(name) ? weighed : expect.arrayContaining(weighed));
          for (const learned of learnedBy(kernels[name]()))
            expect(Number.isFinite(byQuery[learned.name][1])).toBe(false);
          for (const learned of learnedBy(kernels[name]()))
            expect(byQuery[learned.name][0]).toBeCloseTo(clean[learned.name][0], 3);
        }
        if (!tiled.includes(name)) return;
        const byCotangent = await results(backend(), name, options, {
          input: "cotangent",
          at: (n + 5) * dv,
          how: "NaN",
        });
        expect(lost(byCotangent["v"], dv)).toEqual(options.mask === undefined ? rows(m, 0) : rows(m, 0, 6));
      },
    );
  }

  if (!under.includes("key 5 hidden")) return;
  it.each(chosen.filter((name) => tiled.includes(name)))(
    "%s: NaN in what it learns, and in a bias, arrives",
    async (name) => {
      for (const { name: learned } of learnedBy(kernels[name]())) {
        const { output } = await results(backend(), name, {}, { input: learned, at: 1, how: "NaN" });
        expect(lost(output, dv), learned).toEqual(rows(n, 0));
      }
      const biased = await results(backend(), name, {}, { input: "pair bias", at: (n + 3) * m + 7, how: "NaN" });
      expect(lost(biased["output"], dv)).toEqual([n + 3]);
      const hidden = await results(backend(), name, masks["key 5 hidden"].options, {
        input: "pair bias",
        at: (n + 3) * m + 5,
        how: "NaN",
      });
      expect(lost(hidden["output"], dv)).toEqual([]);
    },
  );
}

describe("numbers that are not finite, cpu", () => {
  holdNonFinite(() => cpu, names);
});

describeGpu("numbers that are not finite, gpu", (gpu) => {
  holdNonFinite(gpu, names);
});

describeGpu(
  "numbers that are not finite, plain form",
  (gpu) => holdNonFinite(gpu, ["softmax", "gaussian", "relu", "polynomial"]),
  { capabilities: plain },
);
// A software adapter compiles each of these passes for seconds.
describeGpu("numbers that are not finite, blocks in registers", (gpu) => holdNonFinite(gpu, ["softmax"], ["causal"]), {
  capabilities: tiles,
});

describeGpu("numbers that are not finite, several rows an invocation", (gpu) => {
  it.each(["q", "k", "v", "cotangent"])("NaN in %s arrives where it does on the CPU", async (input) => {
    const shape = [1, 1, 136, 4];
    const lostOn = async (backend: Backend): Promise<number[][]> => {
      const drawn = upload(backend, inputsOf({ shapes: { q: shape, k: shape, v: shape, cotangent: shape } }), {
        q: shape,
        k: shape,
        v: shape,
        cotangent: shape,
      });
      const { cotangent, ...inputs } = { ...drawn, [input]: spoiled(drawn[input], 70 * 4, "NaN") };
      const run = (all: Record<string, Tensor>): Tensor =>
        attention(kernels["softmax"](), all as unknown as AttentionInputs, { mask: causal() });
      const { gradients } = valueAndGrad(
        (all: Record<string, Tensor>) => ops.sum(ops.multiply(run(all), cotangent)),
        inputs as Record<string, Tensor>,
      );
      return Promise.all(
        [run(inputs as Record<string, Tensor>), ...Object.values(gradients)].map(async (tensor) =>
          lost(await tensor.read(), 4),
        ),
      );
    };
    const [onCpu, onGpu] = [await lostOn(cpu), await lostOn(gpu())];
    expect(onCpu.flat().length).toBeGreaterThan(60);
    expect(onGpu).toEqual(onCpu);
  });
});
