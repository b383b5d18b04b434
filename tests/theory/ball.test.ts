import { Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { ballLipschitz } from "../../src/theory/ball-lipschitz.js";
import { covariance, deviation, gram, signedForm } from "../../src/theory/gram.js";
import { firstRoot, paceOf, tubeOf } from "../../src/theory/majorant.js";
import { evaluate } from "../../src/theory/model.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import { sampledLipschitz } from "../../src/theory/sampled-lipschitz.js";
import { singularValues } from "../../src/theory/spectrum.js";
import { randomProblem } from "./support.js";

const subsets: readonly (readonly WeightName[])[] = [
  ["query"],
  ["key"],
  ["query", "key"],
  ["query", "value"],
  ["key", "value"],
  ["query", "key", "value"],
  ["key", "output"],
  ["value", "output"],
  ["query", "key", "value", "output"],
];
const kernels = [softmax(), gaussian(), gaussian({ gamma: 3 }), gaussian({ normalize: true, gamma: 2 })];
const radii = [0, 0.003, 0.03, 0.3, 3];

function boundOf(seed: number, kernel: (typeof kernels)[number], names: ReadonlySet<WeightName>) {
  const problem = checkProblem(randomProblem(seed));
  const stackedNorm = singularValues(evaluate(problem, kernel).stacked)[0];
  return { problem, bound: ballLipschitz(problem, kernel, names, stackedNorm)! };
}

describe("L_J on a ball", () => {
  it.each(kernels.flatMap((kernel) => subsets.map((trainable) => ({ kernel, trainable }))))(
    "is never exceeded by what is sampled in it: $kernel.name, $trainable",
    ({ kernel, trainable }) => {
      const names = new Set<WeightName>(trainable);
      for (let seed = 1; seed <= 3; seed++) {
        const { problem, bound } = boundOf(seed, kernel, names);
        let last = 0;
        for (const radius of radii) {
          const { value, rigorous } = bound(radius);
          expect(rigorous).toBe(true);
          expect(value).toBeGreaterThanOrEqual(last);
          last = value;
          const sampled = sampledLipschitz(problem, kernel, names, { radius, seed });
          expect(sampled).toBeGreaterThan(0);
          expect(sampled).toBeLessThanOrEqual(value * (1 + 1e-6));
        }
      }
    },
  );

  it("is close to what is sampled where the ball is small", () => {
    const ratios = kernels.flatMap((kernel) =>
      subsets.map((trainable) => {
        const names = new Set<WeightName>(trainable);
        const { problem, bound } = boundOf(7, kernel, names);
        return bound(0).value / sampledLipschitz(problem, kernel, names, { radius: 0 });
      }),
    );
    ratios.sort((a, b) => a - b);
    expect(ratios[ratios.length >> 1]).toBeLessThan(3);
  });

  it("is unknown for a kernel that states no bounds", () => {
    const problem = checkProblem(randomProblem(1));
    const silent = { ...softmax(), derivativeBounds: undefined };
    expect(ballLipschitz(problem, silent, new Set(["query"]), 1)).toBeNull();
  });
});

describe("means over a row", () => {
  const source = random(3);
  const vectors = (columns: number): Matrix => Matrix.from1DArray(5, columns, Array.from(source.normals(5 * columns)));
  const p = [0.1, 0.4, 0.2, 0.05, 0.25];
  const unit = (size: number): number[] => {
    const direction = Array.from(source.normals(size));
    return direction.map((x) => x / Math.hypot(...direction));
  };
  const mean = (values: readonly number[]): number => values.reduce((sum, value, j) => sum + p[j] * value, 0);
  const along = (rows: Matrix, direction: readonly number[]): number[] =>
    rows.to2DArray().map((row) => row.reduce((sum, x, c) => sum + x * direction[c], 0));

  it("are largest in the direction of the bound, and never larger", () => {
    const [f, g] = [vectors(4), vectors(2)];
    const factors = [0.3, -0.5, 0.2, 0.7, -0.1];
    const bounds = {
      deviation: deviation(gram(f), p),
      covariance: covariance(gram(f), gram(g), p),
      form: signedForm(gram(f), [factors], factors.map(Math.abs), Infinity),
    };
    const most = { deviation: 0, covariance: 0, form: 0 };
    for (let draw = 0; draw < 20_000; draw++) {
      const [a, b] = [along(f, unit(4)), along(g, unit(2))];
      const [centredA, centredB] = [a.map((x) => x - mean(a)), b.map((x) => x - mean(b))];
      most.deviation = Math.max(most.deviation, Math.sqrt(mean(centredA.map((x) => x * x))));
      most.covariance = Math.max(most.covariance, Math.abs(mean(centredA.map((x, j) => x * centredB[j]))));
      most.form = Math.max(most.form, Math.abs(a.reduce((sum, x, j) => sum + factors[j] * x * x, 0)));
    }
    for (const name of ["deviation", "covariance", "form"] as const) {
      expect(most[name]).toBeLessThanOrEqual(bounds[name] * (1 + 1e-12));
      expect(most[name]).toBeGreaterThan(0.93 * bounds[name]);
    }
  });
});

describe("the majorant", () => {
  const constant = (value: number) => () => ({ value, rigorous: true, note: "" });

  it("is T2's closed form for a constant L_J, on both sides of h = 1", () => {
    const tube = tubeOf(2, constant(3));
    const { majorant, reachable } = firstRoot({ smallest: 2, largest: 5, distance: 0.5 }, tube);
    expect(reachable).toBeCloseTo(2 ** 2 / (2 * 3), 12);
    expect(majorant!.radius).toBeCloseTo((2 - Math.sqrt(4 - 2 * 3 * 0.5)) / 3, 12);
    expect(majorant!.smallest).toBeCloseTo(Math.sqrt(4 - 2 * 3 * 0.5), 12);
    expect(majorant!.largest).toBeCloseTo(5 + 3 * majorant!.radius, 12);
    expect(firstRoot({ smallest: 2, largest: 5, distance: 0.6666 }, tube).majorant).not.toBeNull();
    expect(firstRoot({ smallest: 2, largest: 5, distance: 0.6667 }, tube).majorant).toBeNull();
  });

  it("needs no bound where the outputs are linear", () => {
    const tube = tubeOf(2, constant(0));
    expect(firstRoot({ smallest: 2, largest: 5, distance: 1e9 }, tube)).toMatchObject({
      reachable: Infinity,
      majorant: { smallest: 2, largest: 5 },
    });
  });

  it("lies between those of the smallest and the largest L_J of the ball", () => {
    const rising = tubeOf(2, (radius) => constant(3 + radius)());
    const start = { smallest: 2, largest: 5, distance: 0.4 };
    const own = firstRoot(start, rising).majorant!;
    expect(own.radius).toBeGreaterThan(firstRoot(start, tubeOf(2, constant(3))).majorant!.radius);
    expect(own.radius).toBeLessThan(firstRoot(start, tubeOf(2, constant(3 + own.radius * 1.3))).majorant!.radius);
  });

  it("allows steps beyond 1/M² with a smaller slope, and none from 2/M² on", () => {
    const start = { smallest: 1, largest: 5, distance: 0.02 };
    const tube = tubeOf(1, constant(3));
    expect(paceOf(start, tube, 1 / 5.2 ** 2)?.share).toBe(1);
    expect(paceOf(start, tube, 1.4 / 5.2 ** 2)?.share).toBeLessThan(1);
    expect(paceOf(start, tube, 2 / 5 ** 2)).toBeNull();
  });

  it("rests on a true lemma: ‖(I-ηA)u‖ ≤ 1 - κ η m ‖A^½u‖", () => {
    const source = random(5);
    let closest = Infinity;
    for (let draw = 0; draw < 50_000; draw++) {
      const [small, large] = [0.2 + source.uniform(), 2];
      const eta = (1.95 * source.uniform()) / large ** 2;
      const [y, mu] = [eta * large ** 2, eta * small ** 2];
      const room = y * (2 - y - mu);
      if (y > 1 && room <= 0) continue;
      const kappa = y <= 1 ? 1 : Math.sqrt(room);
      const spectrum = [small ** 2, large ** 2, small ** 2 + source.uniform() * (large ** 2 - small ** 2)];
      const raw = [source.uniform(), source.uniform() ** 4, source.uniform() ** 4];
      const total = raw.reduce((sum, x) => sum + x);
      const weights = raw.map((x) => x / total);
      const left = Math.sqrt(weights.reduce((sum, w, i) => sum + w * (1 - eta * spectrum[i]) ** 2, 0));
      const g = Math.sqrt(weights.reduce((sum, w, i) => sum + w * spectrum[i], 0));
      const slack = 1 - kappa * eta * small * g - left;
      expect(slack).toBeGreaterThan(-1e-14);
      closest = Math.min(closest, slack);
    }
    expect(closest).toBeLessThan(1e-3);
  });
});
