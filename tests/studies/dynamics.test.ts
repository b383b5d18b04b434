import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import {
  dynamicsOptions,
  type DynamicsOptions,
  type Experiment,
  type Family,
} from "../../src/studies/dynamics/options.js";
import { outcomes } from "../../src/studies/dynamics/figures.js";
import { grouped } from "../../src/studies/dynamics/groups.js";
import { randomProblem } from "../../src/studies/dynamics/problem.js";
import type { DynamicsMeasurements } from "../../src/studies/dynamics/measurements.js";
import { dynamics } from "../../src/studies/dynamics/study.js";
import { runTrial, type TrialSetting } from "../../src/studies/dynamics/trial.js";
import { plainKernel } from "../../src/studies/kernels.js";
import { descend } from "../../src/theory/descend.js";
import { linearize } from "../../src/theory/linearization.js";
import { checkProblem } from "../../src/theory/problem.js";
import { valuesOf } from "../../src/studies/runner/options.js";
import { measurementsOf, stoppedReport } from "../support/study.js";

const quickDynamics = valuesOf(dynamicsOptions);

const { matrices, equalValues, valueScale } = quickDynamics.experiments;
const small = (experiment: Experiment): Experiment => ({
  ...experiment,
  kernels: ["softmax", "gaussian"],
  seeds: 2,
  steps: 60,
});
const tiny: DynamicsOptions = {
  ...quickDynamics,
  startHeads: [2, 64],
  startDraws: 3,
  experiments: {
    matrices: { ...small(matrices), subsets: [["query"], ["value"]] },
    equalValues: small(equalValues),
    valueScale: small(valueScale),
  },
};

function setting(experiment: TrialSetting["experiment"], change: Partial<TrialSetting> = {}): TrialSetting {
  return {
    experiment,
    kernel: "gaussian",
    trained: ["query"],
    scales: quickDynamics.experiments[experiment].scales[0],
    seed: 1,
    ...change,
  };
}

/** The configuration with one experiment changed. */
function changed(experiment: TrialSetting["experiment"], change: Partial<Experiment>): DynamicsOptions {
  return {
    ...quickDynamics,
    experiments: {
      ...quickDynamics.experiments,
      [experiment]: { ...quickDynamics.experiments[experiment], ...change },
    },
  };
}

const measure = (): Promise<DynamicsMeasurements> => measurementsOf(dynamics, tiny, 1);

const report = (measurements: DynamicsMeasurements) => stoppedReport(dynamics, tiny, measurements);

describe("study dynamics", () => {
  it("runs every kernel, subset and seed, from equal starts, and the loss falls", async () => {
    const trials = (await measure()).trials.filter(({ experiment }) => experiment === "matrices");
    expect(trials.map(({ kernel, trained, seed }) => `${kernel} ${trained.join()} ${seed}`)).toEqual([
      "softmax query 1",
      "softmax query 2",
      "gaussian query 1",
      "gaussian query 2",
      "softmax value 1",
      "softmax value 2",
      "gaussian value 1",
      "gaussian value 2",
    ]);
    for (const { curve, initialLoss, finalLoss } of trials) {
      expect(curve.losses[0]).toBe(initialLoss);
      expect(finalLoss).toBeLessThan(initialLoss);
    }
    expect(trials[0].initialLoss).toBe(trials[4].initialLoss);
  });

  it("gives the same numbers, bit for bit, when it runs again", async () => {
    expect(JSON.stringify(await measure())).toBe(JSON.stringify(await measure()));
  });

  it("certifies W^V alone, at a rate that the measured one exceeds", async () => {
    const trial = await runTrial(tiny, setting("matrices", { trained: ["value"] }));
    expect(trial).toMatchObject({ certified: true, rigorous: true, nonlinearity: null });
    expect(trial.measuredRate).toBeGreaterThan(trial.certifiedRate!);
  });

  it("follows the same descent as without certificates, and proves success before the loss is small", async () => {
    const options = changed("matrices", { steps: 3000 });
    const own = setting("matrices", { kernel: "gaussian", trained: ["query", "value"] });
    const trial = await runTrial(options, own);
    const kernel = plainKernel(own.kernel);
    const problem = randomProblem(options, { ...own, heads: 2, family: "unitTargets" }, kernel);
    const losses = await descend(problem, kernel, own.trained, {
      stepSize: trial.stepSize,
      steps: 3000,
      tolerance: 1e-6,
    });
    expect(losses.at(-1)).toBe(trial.finalLoss);
    expect(trial.converged).toBe(true);
    expect(trial.provedAt).toBeGreaterThan(0);
    expect(trial.provedAt).toBeLessThan(trial.steps);
  });

  it("judges random starts by heads: many mirrored heads are proved where few are not", async () => {
    const { starts } = await measure();
    expect(starts.map(({ kernel, heads, proved }) => [kernel, heads, proved.trials])).toEqual([
      ["softmax", 2, 3],
      ["gaussian", 2, 3],
      ["softmax", 64, 3],
      ["gaussian", 64, 3],
    ]);
    expect(starts[1].proved.successes).toBe(0);
    expect(starts[3].proved.successes).toBe(3);
    const odd = { ...tiny, startHeads: [3] };
    expect(() => dynamics.check!(odd)).toThrow(/--start-heads.*even numbers of heads/);
  });

  it("counts a run as converged at the tolerance and ends it there", async () => {
    const trial = await runTrial(
      changed("matrices", { tolerance: 0.9, steps: 60 }),
      setting("matrices", { trained: ["query", "key", "value"] }),
    );
    const { steps, losses } = trial.curve;
    expect(trial.converged).toBe(true);
    expect(trial.steps).toBeLessThan(60);
    expect(steps.at(-1)).toBe(trial.steps);
    expect(losses.at(-1)).toBe(trial.finalLoss);
    expect(losses.at(-2)! > 0.9 * trial.initialLoss).toBe(true);
  });

  it("keeps a curve of some steps, the first and the last among them", async () => {
    const { curve, steps } = await runTrial(changed("matrices", { steps: 700 }), setting("matrices"));
    expect(steps).toBe(700);
    expect([curve.steps[0], curve.steps.at(-1)]).toEqual([0, 700]);
    expect(curve.steps.length).toBeLessThan(100);
    expect(curve.losses).toHaveLength(curve.steps.length);
  });

  it(
    "on equal values, converges with the Gaussian where softmax, at the same step size, keeps its loss at " +
      "T4's floor",
    async () => {
      const [gaussian, softmax] = await Promise.all(
        ["gaussian", "softmax"].map((kernel) => runTrial(quickDynamics, setting("equalValues", { kernel }))),
      );
      expect(gaussian).toMatchObject({ converged: true, lossFloor: null });
      expect(softmax.converged).toBe(false);
      expect(softmax.stepSize).toBe(gaussian.stepSize);
      expect(softmax.lossFloor! / softmax.initialLoss).toBeCloseTo(1, 9);
      expect(softmax.finalLoss / softmax.initialLoss).toBeCloseTo(1, 9);
    },
  );

  it("refuses an unknown kernel, and one that needs more than q, k and v", async () => {
    await expect(runTrial(tiny, setting("matrices", { kernel: "nothing" }))).rejects.toThrow(ArgumentError);
    await expect(runTrial(tiny, setting("matrices", { kernel: "factored" }))).rejects.toThrow(
      /wanted one of softmax, gaussian/,
    );
  });
});

describe("random problems", () => {
  const make = (family: Family, kernel = "gaussian") =>
    randomProblem(quickDynamics, { family, heads: 2, scales: matrices.scales[0], seed: 3 }, plainKernel(kernel));
  const norm = (values: ArrayLike<number>): number => Math.hypot(...Array.from(values));

  it("scale unit targets to norm 1, the same for every kernel", () => {
    expect(norm(make("unitTargets").targets.flat(2))).toBeCloseTo(1, 12);
    expect(make("unitTargets", "softmax")).toEqual(make("unitTargets"));
  });

  it("put targets at distance 1 from the kernel's own outputs", () => {
    for (const kernel of ["softmax", "gaussian"]) {
      const { residual } = linearize(
        checkProblem(make("unitResidual", kernel)),
        plainKernel(kernel),
        new Set(["query"]),
      );
      expect(norm(residual)).toBeCloseTo(1, 12);
    }
  });

  it("make all value rows of a sample equal, and no two tokens", () => {
    const { inputs, weights } = make("equalValues");
    const row = (token: readonly number[]) =>
      weights.value[0][0].map((_, column) =>
        token.reduce((sum, x, index) => sum + x * weights.value[0][index][column], 0),
      );
    for (const [first, ...others] of inputs) {
      for (const token of others) {
        expect(row(token)).toEqual(row(first));
        expect(token).not.toEqual(first);
      }
    }
  });
});

describe("report of study dynamics", () => {
  it("has a table and a heat map, and a figure for every outcome that some seed had", async () => {
    const { trials, starts } = await measure();
    // softmax converges on seed 2 alone, the Gaussian on both
    const ended = trials.map((trial) => ({
      ...trial,
      converged: trial.kernel === "gaussian" || (trial.experiment === "matrices" && trial.seed === 2),
    }));
    const { blocks, answer } = report({ trials: ended, starts });
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual([
      "converged",
      "proved",
      "query-both",
      "query-gaussian-alone",
      "equal-values",
    ]);
    expect(figures[2].caption).toContain(
      "on seed 2, the first with this outcome (all seeds: both 1, gaussian alone 1, softmax alone 0, neither 0)",
    );
    expect(figures[3].caption).toContain("on seed 1");
    const tables = blocks.flatMap((block) => (block.kind === "table" ? [block] : []));
    expect(tables[0].rows[1].slice(0, 4)).toEqual(["{Q}", "gaussian", "2 of 2", "34.2 % to 100.0 %"]);
    const proved = ended.filter(
      ({ experiment, converged, provedAt }) => experiment === "matrices" && converged && provedAt !== null,
    ).length;
    expect(answer).toBe(
      "6 of 8 runs of the three matrices converged; with W^Q alone: softmax 1 of 2, gaussian 2 of 2. On the way, " +
        `success was proved in ${proved} of 6 runs that converged. With ` +
        "W^Q alone where all values are equal: softmax 0 of 2, gaussian 2 of 2.",
    );
  });

  it("sets its measurements beside the reference, where there is one for the scales and the kernel", async () => {
    const table = report(await measure()).blocks.find(
      (block) => block.kind === "table" && block.title.includes("scale of W^V"),
    );
    if (table?.kind !== "table") throw new Error("no such table");
    expect(table.rows).toHaveLength(10);
    expect(table.rows[1].slice(0, 3)).toEqual(["0.3", "0.5", "gaussian"]);
    expect([table.rows[1][5], table.rows[1].at(-1)]).toEqual(["49", "2 of 6"]);
  });

  it("counts seeds by outcome only where both kernels ran", async () => {
    const { trials } = await measure();
    const groups = grouped(
      trials.filter(({ kernel }) => kernel === "gaussian"),
      "matrices",
    );
    expect(Object.values(outcomes(groups)).flat()).toEqual([]);
  });
});
