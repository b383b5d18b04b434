import { describe, expect, it } from "vitest";
import { filterNormalizedDirection, principalDirections } from "../../src/analysis/directions.js";
import { hessianProduct } from "../../src/analysis/hessian.js";
import { evenly, lossesAt, lossSurface, roughness } from "../../src/analysis/landscape.js";
import { readVector, treeOf } from "../../src/analysis/vectors.js";
import { add, matmul, multiply, reshape, sum } from "../../src/autograd/ops.js";
import { random } from "../../src/core/random.js";
import type { Backend, Tensor } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { lanczos } from "../../src/numerics/lanczos.js";
import { dot, moved, norm } from "../../src/numerics/vectors.js";
import { describeGpu } from "../support/gpu.js";

const SIZE = 12;

/**
 * f(θ) = ½ θᵀAθ + bᵀθ over two tensors of 2 × 4 and 4 numbers, A = QΛQᵀ with known eigenvalues from -2 to
 * 9.
 */
function quadratic(backend: Backend) {
  const source = random(4);
  const basis: Float64Array[] = [];
  while (basis.length < SIZE) {
    let next = source.normals(SIZE);
    for (let pass = 0; pass < 2; pass++) for (const known of basis) next = moved(next, [known], [-dot(next, known)]);
    basis.push(next.map((value) => value / norm(next)));
  }
  const eigenvalues = evenly(-2, 9, SIZE);
  const hessian = Array.from({ length: SIZE }, (_, i) =>
    Array.from({ length: SIZE }, (_, j) =>
      eigenvalues.reduce((total, value, k) => total + value * basis[k][i] * basis[k][j], 0),
    ),
  );
  const slope = Array.from(source.normals(SIZE));
  const matrix = backend.tensor(hessian.flat(), [SIZE, SIZE]);
  const linear = backend.tensor(slope, [SIZE, 1]);
  const parameters = { a: backend.tensor(source.normals(8), [2, 4]), b: backend.tensor(source.normals(4), [4]) };
  const loss = ({ a, b }: { a: Tensor; b: Tensor }): Tensor => {
    // θ as a column, from both tensors
    const place = (rows: number, from: number): Tensor =>
      backend.tensor(
        Array.from({ length: SIZE * rows }, (_, at) => Number(Math.floor(at / rows) === from + (at % rows))),
        [SIZE, rows],
      );
    const theta = add(matmul(place(8, 0), reshape(a, [8, 1])), matmul(place(4, 8), reshape(b, [4, 1])));
    return add(multiply(sum(multiply(theta, matmul(matrix, theta))), 0.5), sum(multiply(theta, linear)));
  };
  const value = (theta: ArrayLike<number>): number => {
    const numbers = Array.from(theta);
    return numbers.reduce(
      (total, x, i) => total + x * slope[i] + 0.5 * x * numbers.reduce((row, y, j) => row + hessian[i][j] * y, 0),
      0,
    );
  };
  const top = basis[SIZE - 1];
  return { parameters, loss, value, hessian, top };
}

function suite(backend: () => Backend, digits: number): void {
  it("evaluates a quadratic on a grid as its formula says, and leaves the parameters alone", async () => {
    const { parameters, loss, value } = quadratic(backend());
    const center = await readVector(parameters);
    const directions = [random(1).normals(SIZE), random(2).normals(SIZE)] as const;
    const { x, y, losses } = await lossSurface(loss, parameters, {
      center,
      directions,
      x: evenly(-1, 1, 7),
      y: evenly(-2, 0.5, 5),
    });
    expect(losses).toHaveLength(35);
    losses.forEach((measured, index) => {
      expect(measured).toBeCloseTo(value(moved(center, directions, [x[Math.floor(index / 5)], y[index % 5]])), digits);
    });
    expect(await readVector(parameters)).toEqual(center);
  });

  it("multiplies with the Hessian of a quadratic", async () => {
    const { parameters, loss, hessian } = quadratic(backend());
    const direction = random(5).normals(SIZE);
    const product = await hessianProduct(loss, parameters, await readVector(parameters))(direction);
    hessian.forEach((row, index) =>
      expect(product[index]).toBeCloseTo(dot(Float64Array.from(row), direction), digits - 2),
    );
  });

  it("finds its extreme eigenvalues, -2 and 9", async () => {
    const { parameters, loss } = quadratic(backend());
    const found = await lanczos(hessianProduct(loss, parameters, await readVector(parameters)), SIZE, {
      products: SIZE,
      random: random(6),
    });
    expect(found.largest).toBeCloseTo(9, digits - 2);
    expect(found.smallest).toBeCloseTo(-2, digits - 2);
  });
}

it("refuses directions of another length than the parameters", async () => {
  const { parameters, loss } = quadratic(cpu);
  const center = await readVector(parameters);
  const plane = { center, directions: [center, center.subarray(1)] as const, x: [0], y: [0] };
  await expect(lossSurface(loss, parameters, plane)).rejects.toThrow(/plane\.directions.*12 numbers.*11/s);
});

describe("landscape on the CPU backend", () => suite(() => cpu, 8));
describeGpu("landscape on the GPU", (gpu) => suite(gpu, 4));

describe("directions", () => {
  it("makes every column as long as the parameters' own and leaves vectors alone", async () => {
    const parameters = {
      bias: cpu.tensor([1, 2, 3]),
      heads: cpu.tensor(random(1).normals(24), [2, 3, 4]),
      weight: cpu.tensor(random(2).normals(10, 7), [5, 2]),
    };
    const vector = await readVector(parameters);
    const direction = filterNormalizedDirection(parameters, vector, random(3));
    const along = treeOf(direction, parameters);
    expect(await along.bias.read()).toEqual(new Float64Array(3));
    for (const [name, rows, columns] of [
      ["heads", 3, 4],
      ["weight", 5, 2],
    ] as const) {
      const [own, other] = [await parameters[name].read(), await along[name].read()];
      for (let at = 0; at < own.length; at += at % columns === columns - 1 ? (rows - 1) * columns + 1 : 1) {
        const length = (numbers: ArrayLike<number>) =>
          Math.hypot(...Array.from({ length: rows }, (_, row) => numbers[at + row * columns]));
        expect(length(other)).toBeCloseTo(length(own), 10);
      }
    }
    expect(direction).not.toEqual(filterNormalizedDirection(parameters, vector, random(4)));
  });

  it("finds the plane in which a path lies, and its coordinates there", () => {
    const [u, v] = [Float64Array.from([0.6, 0.8, 0, 0]), Float64Array.from([0, 0, 1, 0])];
    const end = Float64Array.from([1, 2, 3, 4]);
    const scales = [
      [5, 0.5],
      [3, -1],
      [1, 0.4],
      [0, 0],
    ];
    const { directions, explained, path } = principalDirections(scales.map((own) => moved(end, [u, v], own)));
    expect(Math.abs(dot(directions[0], directions[1]))).toBeLessThan(1e-12);
    expect(explained[0] + explained[1]).toBeCloseTo(1, 12);
    expect(explained[0]).toBeGreaterThan(0.9);
    path.forEach((place, index) => {
      moved(end, directions, place).forEach((value, axis) =>
        expect(value).toBeCloseTo(moved(end, [u, v], scales[index])[axis], 10),
      );
    });
    expect(() => principalDirections([end, moved(end, [u], [1]), moved(end, [u], [2])])).toThrow(/span a plane/);
  });
});

describe("roughness", () => {
  it("is the second derivative of a parabola, which has no hills", () => {
    const x = evenly(-1, 2, 31);
    const { curvature, concave, excessVariation } = roughness(
      x.map((at) => 3 * at ** 2 - at),
      0.1,
    );
    expect(curvature).toBeCloseTo(6, 8);
    expect(concave).toBe(0);
    expect(excessVariation).toBeCloseTo(0, 12);
  });

  it("counts a hill twice, once up and once down", () => {
    expect(roughness([2, 0, 1, 0, 3], 1).excessVariation).toBe(2);
    expect(roughness([2, 0, 1, 0, 3], 1).concave).toBeCloseTo(1 / 3, 12);
  });
});

it("reads and remakes a tree", async () => {
  const tree = { b: [cpu.tensor([1, 2], [2, 1])], a: cpu.tensor([3]) };
  const vector = await readVector(tree);
  expect(await readVector(treeOf(vector, tree))).toEqual(vector);
  expect(await lossesAt(({ a }) => a, tree, vector, [Float64Array.from([0, 0, 1])], [[-1], [2]])).toEqual([2, 5]);
});
