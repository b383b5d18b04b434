import { describe, expect, it } from "vitest";
import {
  and,
  attention,
  booleanMask,
  causal,
  cpu,
  differential,
  gradcheck,
  kernelFeatures,
  lengths,
  linear,
  ops,
  or,
  random,
  relativeBias,
  slidingWindow,
  softmax,
  UnsupportedError,
  type AttentionInputs,
  type AttentionOptions,
  type Mask,
  type Tensor,
} from "../../src/index.js";
import { densify } from "../../src/kernels/resolve-mask.js";
import { inputsOf, upload } from "../support/cases.js";
import { unfusedAttention } from "../support/unfused.js";
import { n, m, sizes, masks, composed, inputsFor, moving, weighted, expectClose } from "../support/masks.js";

describe.each(composed)("options of %s, which has passes of its own", (name, factory) => {
  const kernel = factory();
  const { shapes, data } = inputsFor(name);
  const inputs = upload(cpu, data, shapes) as unknown as AttentionInputs;
  const features = kernelFeatures(kernel);

  it.runIf(features.mask).each(Object.entries(masks))("%s, against unfused weights", async (_title, mask) => {
    const { seen, shape } = densify(mask, sizes);
    const wanted = await unfusedAttention(name, inputs, cpu.tensor(seen, shape)).read();
    expectClose(await attention(kernel, inputs, { mask }).read(), wanted, 1e-12);
    const report = await gradcheck(
      (p) => weighted(attention(kernel, { ...inputs, ...p }, { mask })),
      moving(kernel, inputs),
      { directions: 1 },
    );
    expect(report.worst).toMatchObject({ passed: true });
  });

  it.each(["mask", "bias", "softcap"] as const)("%s is taken, or refused where it has no meaning", (option) => {
    const options: AttentionOptions = {
      [option]: { mask: causal(), bias: relativeBias(cpu.full(1, [1, n + m - 1])), softcap: 1.5 }[option],
    };
    const call = (): Tensor => attention(kernel, inputs, options);
    if (features[option]) expect(call).not.toThrow();
    else expect(call).toThrow(UnsupportedError);
  });
});

it("differential attention gives bias and softcap to both of its softmax maps", async () => {
  const { shapes, data } = inputsFor("differential");
  const inputs = upload(cpu, data, shapes);
  const zeros = {
    lambdaQuery1: cpu.full(0, [2]),
    lambdaKey1: cpu.full(0, [2]),
    lambdaQuery2: cpu.full(0, [2]),
    lambdaKey2: cpu.full(0, [2]),
  };
  const options: AttentionOptions = {
    mask: causal(),
    bias: cpu.tensor(random(4).normals(n * m), [1, 1, n, m]),
    softcap: 1.5,
  };
  const half = (start: number): Tensor =>
    attention(
      softmax(),
      { q: ops.slice(inputs["q"], 3, start, 2), k: ops.slice(inputs["k"], 3, start, 2), v: inputs["v"] },
      options,
    );
  const wanted = ops.addScaled(half(0), half(2), -0.2);
  const actual = attention(
    differential({ normalize: false }),
    { ...inputs, ...zeros } as unknown as AttentionInputs,
    options,
  );
  expectClose(await actual.read(), await wanted.read(), 1e-12);
});

it("linear attention with a causal mask is the same over many chunks", async () => {
  const shapes = { q: [1, 2, 200, 4], k: [1, 2, 200, 4], v: [1, 2, 200, 3] };
  const inputs = upload(cpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs;
  const { seen, shape } = densify(causal(), { batch: 1, heads: 2, queries: 200, keys: 200 });
  expectClose(
    await attention(linear(), inputs, { mask: causal() }).read(),
    await unfusedAttention("linear", inputs, cpu.tensor(seen, shape)).read(),
    1e-12,
  );
  const report = await gradcheck((p) => weighted(attention(linear(), p, { mask: causal() })), inputs, {
    directions: 1,
  });
  expect(report.worst).toMatchObject({ passed: true });
  expect(() => attention(linear(), inputs, { mask: slidingWindow(3) })).toThrow(UnsupportedError);
});

describe("linear attention over more queries than it takes pair by pair", () => {
  const [queries, keys] = [70, 90];
  const shapes = { q: [2, 2, queries, 4], k: [2, 2, keys, 4], v: [2, 2, keys, 3] };
  const inputs = upload(cpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs;
  const some = (count: number, shape: readonly number[]): Mask =>
    booleanMask(
      Array.from({ length: count }, (_, place) => place % 3 !== 1),
      shape,
    );
  const allowed: Readonly<Record<string, Mask>> = {
    "padding on the right": lengths({ queries: [70, 33], keys: [0, 65] }),
    "causal, with padding on the left": and(causal(), lengths({ queries: [70, 33], keys: [90, 53], padding: "left" })),
    "scattered keys": some(2 * keys, [2, 1, 1, keys]),
    "causal, with scattered keys of every head and scattered queries": and(
      some(2 * keys, [1, 2, 1, keys]),
      causal(),
      some(queries, [1, 1, queries, 1]),
    ),
  };
  it.each(Object.entries(allowed))("%s", async (_title, mask) => {
    const { seen, shape } = densify(mask, { batch: 2, heads: 2, queries, keys });
    const wanted = await unfusedAttention("linear", inputs, cpu.tensor(seen, shape)).read();
    expectClose(await attention(linear(), inputs, { mask }).read(), wanted, 1e-12);
    const report = await gradcheck((p) => weighted(attention(linear(), p, { mask })), inputs, { directions: 1 });
    expect(report.worst).toMatchObject({ passed: true });
  });

  it("refuses what hides pairs in another way", () => {
    expect(() => attention(linear(), inputs, { mask: or(causal(), allowed["scattered keys"]) })).toThrow(
      /a mask of queries or keys alone/,
    );
  });
});
