import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { cosineNoise, meanCosineNoise } from "../../src/analysis/cosine-noise.js";
import { dissectHead, modeMap, summarizeCosines } from "../../src/analysis/dissection.js";
import { ArgumentError, NonFiniteError, random, type Random, ShapeError } from "../../src/index.js";

const normals = (stream: Random, rows: number, columns: number): Matrix =>
  Matrix.from1DArray(rows, columns, stream.normals(rows * columns));

const dissect = (query: Matrix, key: Matrix) => dissectHead(query.to2DArray(), key.to2DArray());

const columns = (vectors: readonly ArrayLike<number>[]) =>
  new Matrix(vectors.map((vector) => Array.from(vector))).transpose();

describe("dissectHead", () => {
  it("has cosines 1 where W_k = W_q, and -1 where W_k = -W_q", () => {
    const query = normals(random(1), 64, 768);
    for (const sign of [1, -1]) {
      const head = dissect(query, Matrix.mul(query, sign));
      expect(head.cosines).toHaveLength(64);
      for (const cosine of head.cosines) expect(Math.abs(cosine - sign)).toBeLessThan(1e-10);
      expect(Math.abs(head.symmetricShare - 1)).toBeLessThan(1e-10);
      const { plain, weighted } = summarizeCosines([head, head]);
      expect(Math.abs(plain - sign) + Math.abs(weighted - sign)).toBeLessThan(1e-10);
    }
  });

  it.each([
    [40, 8],
    [64, 64],
    [9, 1],
  ])("of D = %d and d = %d is the full decomposition of M", (width, dim) => {
    const stream = random(width);
    const [query, key] = [normals(stream, dim, width), normals(stream, dim, width)];
    const form = query.transpose().mmul(key);
    const full = new SingularValueDecomposition(form);
    const head = dissect(query, key);
    const scale = full.norm2;
    head.singularValues.forEach((value, mode) =>
      expect(Math.abs(value - full.diagonal[mode])).toBeLessThan(1e-9 * scale),
    );
    head.cosines.forEach((cosine, mode) => {
      const wanted = full.leftSingularVectors
        .getColumnVector(mode)
        .dot(full.rightSingularVectors.getColumnVector(mode));
      expect(Math.abs(cosine - wanted)).toBeLessThan(1e-9);
    });
    const rebuilt = columns(head.left)
      .mmul(Matrix.diag([...head.singularValues]))
      .mmul(columns(head.right).transpose());
    expect(Matrix.sub(rebuilt, form).norm()).toBeLessThan(1e-9 * scale);
    const symmetric = Matrix.add(form, form.transpose()).div(2);
    expect(Math.abs(head.symmetricShare - (symmetric.norm() / form.norm()) ** 2)).toBeLessThan(1e-12);
    const { weighted } = summarizeCosines([head]);
    expect(Math.abs(weighted - form.trace() / full.diagonal.reduce((a, b) => a + b))).toBeLessThan(1e-12);
  });

  it("of an antisymmetric M has no symmetric share, and cosines 0", () => {
    const head = dissect(
      new Matrix([
        [1, 0, 0],
        [0, 1, 0],
      ]),
      new Matrix([
        [0, 1, 0],
        [-1, 0, 0],
      ]),
    );
    expect(head.symmetricShare).toBeCloseTo(0, 12);
    for (const cosine of head.cosines) expect(cosine).toBeCloseTo(0, 12);
  });

  it("leaves out modes that are made of rounding", () => {
    const query = new Matrix([
      [1, 2, 0, 0],
      [2, 4, 0, 0],
    ]);
    const head = dissect(query, query);
    expect(head.singularValues).toHaveLength(2);
    expect(head.cosines).toHaveLength(1);
    expect(head.cosines[0]).toBeCloseTo(1, 12);
    const nothing = dissect(Matrix.zeros(2, 4), query);
    expect(nothing.cosines).toEqual([]);
    expect(summarizeCosines([nothing]).plain).toBeNaN();
    expect(summarizeCosines([nothing, head])).toEqual(summarizeCosines([head]));
  });

  it("wants two matrices of one shape, no wider than the model", () => {
    expect(() => dissect(Matrix.zeros(2, 4), Matrix.zeros(2, 5))).toThrow(ShapeError);
    expect(() => dissect(Matrix.zeros(5, 4), Matrix.zeros(5, 4))).toThrow(/d <= D.*\[5, 4\]/);
  });
});

describe("noise", () => {
  it("random heads of d = 64 in D = 768 are inside the band at its rate of 95 %", () => {
    const stream = random(7);
    const heads = Array.from({ length: 12 }, () => dissect(normals(stream, 64, 768), normals(stream, 64, 768)));
    const cosines = heads.flatMap((head) => head.cosines);
    const inside = cosines.filter((cosine) => Math.abs(cosine) < cosineNoise(768)).length / cosines.length;
    // four standard errors of a share of 768 draws
    expect(Math.abs(inside - 0.95)).toBeLessThan(4 * Math.sqrt((0.95 * 0.05) / 768));
    const { plain, weighted, squaredWeights } = summarizeCosines(heads);
    expect(Math.abs(plain)).toBeLessThan(meanCosineNoise(768, squaredWeights.plain));
    expect(Math.abs(weighted)).toBeLessThan(meanCosineNoise(768, squaredWeights.weighted));
    for (const { symmetricShare } of heads) expect(Math.abs(symmetricShare - 0.5)).toBeLessThan(0.01);
  });

  it("means of random layers are inside their bands at the rate of 95 %, also in few dimensions", () => {
    const stream = random(3);
    const layers = Array.from({ length: 400 }, () =>
      summarizeCosines([1, 2].map(() => dissect(normals(stream, 4, 12), normals(stream, 4, 12)))),
    );
    for (const kind of ["plain", "weighted"] as const) {
      const inside =
        layers.filter((layer) => Math.abs(layer[kind]) < meanCosineNoise(12, layer.squaredWeights[kind])).length /
        layers.length;
      expect(Math.abs(inside - 0.95)).toBeLessThan(4 * Math.sqrt((0.95 * 0.05) / 400));
    }
  });

  it("is that of two random directions, which in three dimensions have a uniform cosine", () => {
    expect(cosineNoise(3)).toBeCloseTo(0.95, 9);
    expect(cosineNoise(2)).toBeCloseTo(Math.sin((0.95 * Math.PI) / 2), 9);
    expect(cosineNoise(1)).toBe(1);
    expect(cosineNoise(768) * Math.sqrt(768)).toBeCloseTo(1.96, 2);
  });
});

it("the maps of all modes add up to the scores", () => {
  const stream = random(5);
  const [query, key, inputs] = [normals(stream, 3, 7), normals(stream, 3, 7), normals(stream, 5, 7)];
  const head = dissect(query, key);
  const sum = Matrix.zeros(5, 5);
  head.cosines.forEach((_, mode) => {
    const { queries, keys } = modeMap(head, mode, inputs.to2DArray());
    sum.add(new Matrix(queries.map((q) => keys.map((k) => head.singularValues[mode] * q * k))));
  });
  const scores = inputs.mmul(query.transpose()).mmul(inputs.mmul(key.transpose()).transpose());
  expect(Matrix.sub(sum, scores).norm()).toBeLessThan(1e-12 * scores.norm());
  expect(() => modeMap(head, 0, normals(stream, 5, 6).to2DArray())).toThrow(ShapeError);
});

it("refuses numbers that are not finite, and a mode that is not there", () => {
  const matrix = (first: number): Matrix => Matrix.from1DArray(2, 4, [first, 2, 3, 4, 5, 6, 7, 8.5]);
  for (const wrong of [NaN, Infinity, -Infinity, 1e200]) {
    expect(() => dissect(matrix(wrong), matrix(wrong))).toThrow(NonFiniteError);
    if (wrong !== 1e200) expect(() => dissect(matrix(1), matrix(wrong))).toThrow(NonFiniteError);
  }
  const head = dissect(matrix(1), matrix(-1));
  for (const wrong of [NaN, Infinity]) {
    expect(() => modeMap(head, 0, matrix(wrong).to2DArray())).toThrow(
      /modeMap: inputs\[0\]\[0\]: wanted a finite number, got/,
    );
  }
  for (const mode of [-1, 2, 0.5, NaN]) expect(() => modeMap(head, mode, matrix(1).to2DArray())).toThrow(ArgumentError);
});
