import { describe, expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { extend, krylov, lanczos, ritzPairs } from "../../src/numerics/lanczos.js";

describe("lanczos", () => {
  const diagonal = Float64Array.from({ length: 300 }, (_, index) => (index === 0 ? 50 : -1 + index / 100));
  const product = (vector: Float64Array) => Promise.resolve(vector.map((value, index) => diagonal[index] * value));

  it("finds a separated eigenvalue in few products, and bounds its error by the residual", async () => {
    for (const products of [2, 3, 5, 12]) {
      const { largest, residual } = await lanczos(product, 300, { products, random: random(1) });
      expect(largest).toBeLessThanOrEqual(50 + 1e-9);
      expect(diagonal.some((value) => Math.abs(value - largest) <= residual + 1e-9)).toBe(true);
    }
    expect((await lanczos(product, 300, { products: 12, random: random(1) })).largest).toBeCloseTo(50, 8);
  });

  it("ends when the space is exhausted, and refuses what is not finite", async () => {
    const identity = await lanczos((vector) => Promise.resolve(vector), 40, { products: 10, random: random(2) });
    expect(identity).toMatchObject({ products: 1, largest: expect.closeTo(1, 12) as number });
    await expect(
      lanczos((vector) => Promise.resolve(vector.fill(NaN)), 3, { products: 2, random: random(2) }),
    ).rejects.toThrow(/lanczos: product: wanted finite/);
  });
});

describe("krylov", () => {
  const values = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 4 : 9));
  const product = (vector: Float64Array) => vector.map((value, index) => value * values[index]);

  it.each([true, false])(
    "has the exact eigenpairs on an invariant subspace (reorthogonalisation %s)",
    (reorthogonalize) => {
      const start = new Float64Array(40).fill(1 / Math.sqrt(40));
      const space = krylov(start.slice(), reorthogonalize);
      const kept: Float64Array[] = [];
      for (let step = 0; step < 2; step++) {
        const current = space.vectors[space.vectors.length - 1];
        kept.push(current.slice());
        extend(space, product(current));
      }
      expect(space.beside[1]).toBeLessThan(1e-12);
      const { values: found, coefficients, residuals } = ritzPairs(space);
      expect([...found].sort((a, b) => a - b)).toEqual([expect.closeTo(4, 10), expect.closeTo(9, 10)]);
      for (const pair of [0, 1]) {
        const vector = start.map(
          (_, index) => kept[0][index] * coefficients.get(0, pair) + kept[1][index] * coefficients.get(1, pair),
        );
        product(vector).forEach((value, index) => expect(value).toBeCloseTo(found[pair] * vector[index], 10));
        expect(residuals[pair]).toBeLessThan(1e-12);
      }
    },
  );
});
