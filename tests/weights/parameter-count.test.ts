import { expect, it } from "vitest";
import { ArgumentError, factored, kernels, pairwise, softmax, symmetric } from "../../src/index.js";
import { bertSizes, countBertParameters } from "../../src/weights/index.js";

it.each([
  ["base", "softmax", softmax(), 124_645_632],
  ["base", "pairwise", pairwise(), 118_148_352],
  ["base", "symmetric", symmetric(), 117_558_528],
  ["small", "softmax", softmax(), 38_872_576],
  ["small", "pairwise", pairwise(), 37_953_024],
  ["small", "symmetric", symmetric(), 37_821_952],
] as const)("%s with %s attention has the published number of parameters", (size, _, kernel, published) => {
  const { total, embeddings, attention, rest, pooler } = countBertParameters(kernel, bertSizes[size]);
  expect(total).toBe(published);
  expect(embeddings + attention + rest + pooler).toBe(total);
});

it("counts what any kernel learns, and wants heads that divide the width", () => {
  const { base } = bertSizes;
  const separate = countBertParameters(softmax(), base).attention;
  // values and output alone, and one weight for each pair of tokens in each head
  const linear = base.width ** 2 + base.width;
  expect(countBertParameters(factored(), base).attention).toBe(base.layers * (2 * linear + base.heads * 512 ** 2));
  expect(separate).toBe(base.layers * 4 * linear);
  for (const make of Object.values(kernels))
    expect(Number.isSafeInteger(countBertParameters(make(), base).total)).toBe(true);
  expect(() => countBertParameters(softmax(), { ...base, heads: 7 })).toThrow(ArgumentError);
});
