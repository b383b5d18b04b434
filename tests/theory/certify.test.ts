import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { laplacian } from "../../src/kernels/laplacian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { certifyPath } from "../../src/theory/certify-path.js";
import { certifyWeights } from "../../src/theory/certify-weights.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { descend } from "../../src/theory/descend.js";
import { jacobianSpectrum } from "../../src/theory/jacobian-spectrum.js";
import { linearize } from "../../src/theory/linearization.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import type { TiledKernel } from "../../src/kernels/kernel.js";
import { nearbyProblem, randomProblem, small, type Problem, type Sizes } from "./support.js";

const kernels = [softmax(), gaussian(), gaussian({ normalize: true })];
const subsets: readonly (readonly WeightName[])[] = [
  ["query"],
  ["key"],
  ["value"],
  ["query", "key"],
  ["query", "value"],
  ["key", "value"],
  ["query", "key", "value"],
];
/** Few outputs and large values: a run takes some hundred steps. */
const quick: Sizes = { tokens: [3, 3], width: 8, heads: 2, keyWidth: 8, valueWidth: 8, outputWidth: 1 };

function quickProblem(seed: number): Problem {
  const problem = randomProblem(seed, quick);
  const scaled = (name: "query" | "key", factor: number) =>
    problem.weights[name].map((rows) => rows.map((row) => row.map((x) => factor * x)));
  return { ...problem, weights: { ...problem.weights, query: scaled("query", 0.35), key: scaled("key", 0.35) } };
}

function stepOf(problem: Problem, kernel: TiledKernel, trainable: readonly WeightName[], share = 0.5): number {
  const { jacobian } = linearize(checkProblem(problem), kernel, new Set(trainable));
  return share / jacobianSpectrum(jacobian).largest ** 2;
}

describe("certifyPath", () => {
  let certified = 0;
  it.each(kernels.flatMap((kernel) => subsets.map((trainable) => ({ kernel, trainable }))))(
    "never certifies what then fails: $kernel.name, $trainable",
    async ({ kernel, trainable }) => {
      for (const seed of [1, 2]) {
        const problem = quickProblem(seed);
        const stepSize = stepOf(problem, kernel, trainable);
        const options = { kernel, trainable, stepSize, steps: 1500, tolerance: 1e-8 };
        const { certifiedAt, certificate, losses, checks } = await certifyPath(problem, options);
        expect(checks[0].step).toBe(0);
        expect(checks.filter(({ verdict }) => verdict === "certified").length).toBe(certifiedAt === null ? 0 : 1);
        if (certifiedAt === null) continue;
        certified++;
        expect(certificate).toMatchObject({ certified: true, rigorous: true, stepSize });
        losses.slice(certifiedAt).forEach((loss, step) => {
          expect(loss).toBeLessThanOrEqual(certificate.predictedLoss!(step) * (1 + 1e-9));
        });
      }
    },
  );

  it("certifies most of these", () => expect(certified).toBeGreaterThan(30));

  it("follows the descent, and stops where it is told to", async () => {
    const [problem, kernel, trainable] = [quickProblem(1), softmax(), ["query", "value"] as const];
    const stepSize = stepOf(problem, kernel, trainable);
    const options = { kernel, trainable, stepSize, steps: 400, tolerance: 1e-8 };
    const path = await certifyPath(problem, options);
    expect(path.losses).toEqual(await descend(problem, kernel, trainable, options));
    const seen: number[] = [];
    const short = await certifyPath(problem, {
      ...options,
      stopWhenCertified: true,
      follow: async (_, step) => void seen.push(step),
    });
    expect(short.certifiedAt).toBe(path.certifiedAt);
    expect(short.losses).toEqual(path.losses.slice(0, path.certifiedAt! + 1));
    expect(seen).toEqual(short.losses.map((_, step) => step));
    expect(path.certificate.reason).toContain("full row rank");
  });

  it("says that the steps of a run are too long for a proof", async () => {
    const problem = nearbyProblem(3, gaussian(), 1e-4);
    const options = { kernel: gaussian(), trainable: ["query"] as const, steps: 60 };
    const fine = await certifyPath(problem, { ...options, stepSize: stepOf(problem, gaussian(), ["query"], 0.9) });
    expect(fine.certifiedAt).toBe(0);
    const long = await certifyPath(problem, { ...options, stepSize: stepOf(problem, gaussian(), ["query"], 2.1) });
    expect(long.certifiedAt).toBeNull();
    expect(long.checks[0]).toMatchObject({ step: 0, verdict: "tooLong" });
    expect(long.checks[0].nonlinearity).toBeLessThan(1);
    expect(long.losses.at(-1)).toBeGreaterThan(long.losses[0]);
  });

  it("labels a sampled constant", async () => {
    const problem = nearbyProblem(3, laplacian(), 1e-6);
    const { certificate } = await certifyPath(problem, {
      kernel: laplacian(),
      trainable: ["query"],
      stepSize: stepOf(problem, laplacian(), ["query"]),
      steps: 0,
    });
    expect(certificate).toMatchObject({ certified: true, rigorous: false });
  });

  it("refuses options that nobody knows, and steps of no size", async () => {
    const options = { kernel: softmax(), trainable: ["query"] as const, stepSize: 1, steps: 1 };
    const problem = quickProblem(1);
    await expect(certifyPath(problem, { ...options, step: 1 } as never)).rejects.toThrow(ArgumentError);
    await expect(certifyPath(problem, { ...options, stepSize: 0 })).rejects.toThrow(ArgumentError);
    await expect(certifyPath(problem, { ...options, trainable: [] })).rejects.toThrow(ArgumentError);
  });
});

describe("certifyWeights", () => {
  const residualTimes = (problem: Problem, kernel: TiledKernel, factor: number): Problem => {
    const { residual } = linearize(checkProblem(problem), kernel, new Set(["query"]));
    let place = 0;
    const targets = problem.targets.map((rows) =>
      rows.map((row) => row.map((y) => y + (1 - factor) * residual[place++])),
    );
    return { ...problem, targets };
  };

  it.each([
    [softmax(), ["query"]],
    [gaussian(), ["query", "key", "value"]],
    [gaussian({ normalize: true }), ["key", "value"]],
  ] as const)("names a residual that is small enough, and none that is not ($name)", (kernel, trainable) => {
    const problem = quickProblem(2);
    const { certificate, needs, nonlinearity } = certifyWeights(problem, { kernel, trainable });
    expect(certificate.certified).toBe(false);
    expect(needs!.residual).toBe(nonlinearity);
    const at = (factor: number) =>
      certifyWeights(residualTimes(problem, kernel, factor / needs!.residual!), { kernel, trainable });
    expect(at(0.999)).toMatchObject({ certificate: { certified: true }, needs: null });
    expect(at(1.001).certificate.certified).toBe(false);
    expect(certificate.reason).toMatch(/residual would have to be \d+ times/);
  });

  it("names a scale of W^V that is large enough at the same residual", () => {
    const [problem, kernel, trainable] = [quickProblem(3), gaussian(), ["query"] as const];
    const { needs } = certifyWeights(problem, { kernel, trainable });
    const scaled = (factor: number): Problem => {
      const value = problem.weights.value.map((rows) => rows.map((row) => row.map((x) => factor * x)));
      const larger = { ...problem, weights: { ...problem.weights, value } };
      const residual = (own: Problem) => linearize(checkProblem(own), kernel, new Set(trainable)).residual;
      const [before, after] = [residual(problem), residual(larger)];
      let place = -1;
      const targets = larger.targets.map((rows) =>
        rows.map((row) => row.map((y) => (place++, y + after[place] - before[place]))),
      );
      return { ...larger, targets };
    };
    expect(certifyWeights(scaled(needs!.value!), { kernel, trainable }).certificate.certified).toBe(true);
    expect(certifyWeights(scaled(needs!.value! / 1.1), { kernel, trainable }).certificate.certified).toBe(false);
  });

  it("certifies what checkConvergence certifies, with steps at least as long, and more", () => {
    let more = 0;
    for (const kernel of [gaussian(), softmax()]) {
      for (let distance = 1; distance > 1e-7; distance /= 4) {
        const problem = nearbyProblem(4, kernel, distance, small);
        const options = { kernel, trainable: ["query"] as const };
        const [sharp, plain] = [certifyWeights(problem, options), checkConvergence(problem, options)];
        if (plain.certificate.certified) {
          expect(sharp.certificate.certified).toBe(true);
          expect(sharp.certificate.stepSize).toBeGreaterThanOrEqual(plain.certificate.stepSize * (1 - 1e-12));
        } else if (sharp.certificate.certified) more++;
      }
    }
    expect(more).toBeGreaterThan(0);
  });

  it("gives the floor of T4 where softmax cannot move, and too few numbers by name", () => {
    const problem = randomProblem(4, { ...quick, heads: 1 });
    problem.inputs = problem.inputs.map((rows) => rows.map(() => rows[0]));
    const options = { kernel: softmax(), trainable: ["query"] as const };
    expect(certifyWeights(problem, options).certificate).toMatchObject({ theorem: "T4", certified: false });
    const many = randomProblem(5, { ...quick, tokens: [40, 40], heads: 1 });
    const refused = certifyWeights(many, options);
    expect(refused).toMatchObject({ nonlinearity: Infinity, needs: { residual: null, value: null, stepSize: null } });
    expect(refused.certificate.reason).toContain("64 numbers train, fewer than the 80 outputs");
  });

  it("names the longest step that has a proof", () => {
    const problem = nearbyProblem(3, gaussian(), 1e-4);
    const options = { kernel: gaussian(), trainable: ["query"] as const };
    const { certificate } = certifyWeights(problem, options);
    const { needs } = certifyWeights(problem, { ...options, stepSize: 3 * certificate.stepSize! });
    expect(needs).toEqual({ residual: null, value: null, stepSize: certificate.stepSize });
  });

  it("certifies targets that are met already", () => {
    const problem = nearbyProblem(2, gaussian(), 0);
    const { certificate, loss } = certifyWeights(problem, { kernel: gaussian(), trainable: ["query"] });
    expect(certificate.certified).toBe(true);
    expect(loss).toBeLessThan(1e-28);
  });
});
