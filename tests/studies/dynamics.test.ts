import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { quickDynamics } from "../../src/studies/dynamics/configuration.js";
import { dynamics } from "../../src/studies/dynamics/study.js";
import { present } from "../../src/studies/dynamics/present.js";
import { runTrial, type DynamicsMeasurements } from "../../src/studies/dynamics/trial.js";
import { measurementsOf } from "../support/study.js";

const tiny = { ...quickDynamics, kernels: ["softmax", "gaussian"], subsets: [["query"], ["value"]] as const, seeds: 2, steps: 60 };

const measure = (): Promise<DynamicsMeasurements> => measurementsOf(dynamics, tiny, 1);

describe("study dynamics", () => {
  it("runs every kernel, subset and seed, from equal starts, and the loss falls", async () => {
    const { trials } = await measure();
    expect(trials.map(({ kernel, trained, seed }) => `${kernel} ${trained.join()} ${seed}`)).toEqual([
      "softmax query 1", "softmax query 2", "gaussian query 1", "gaussian query 2",
      "softmax value 1", "softmax value 2", "gaussian value 1", "gaussian value 2",
    ]);
    for (const { losses, initialLoss, finalLoss } of trials) {
      expect(losses[0]).toBe(initialLoss);
      expect(finalLoss).toBeLessThan(initialLoss);
    }
    expect(trials[0].initialLoss).toBe(trials[4].initialLoss);
  });

  it("gives the same numbers, bit for bit, when it runs again", async () => {
    expect(JSON.stringify(await measure())).toBe(JSON.stringify(await measure()));
  });

  it("certifies W^V alone, at a rate that the measured one exceeds", async () => {
    const trial = await runTrial(tiny, "gaussian", ["value"], 1);
    expect(trial).toMatchObject({ certified: true, rigorous: true });
    expect(trial.measuredRate).toBeGreaterThan(trial.certifiedRate!);
  });

  it("counts a run as converged at the tolerance and ends it there", async () => {
    const trial = await runTrial({ ...tiny, tolerance: 0.9 }, "gaussian", ["query", "key", "value"], 1);
    expect(trial.converged).toBe(true);
    expect(trial.steps).toBeLessThan(60);
    expect(trial.losses).toHaveLength(trial.steps + 1);
    expect(trial.losses.at(-2)! > 0.9 * trial.initialLoss).toBe(true);
  });

  it("shows a table, a heat map, and the query-only pair where there is one", async () => {
    const { trials } = await measure();
    const measurements = { trials: trials.map((trial) => ({ ...trial, converged: trial.kernel === "gaussian" })) };
    const { blocks, answer } = present({ configuration: tiny, measurements } as unknown as Parameters<typeof present>[0]);
    const names = blocks.flatMap((block) => (block.kind === "figure" ? [block.name] : []));
    expect(names).toEqual(["converged", "query-gaussian-alone"]);
    const table = blocks.find((block) => block.kind === "table");
    expect(table?.rows[1].slice(0, 4)).toEqual(["{Q}", "gaussian", "2 of 2", "34.2 % to 100.0 %"]);
    expect(answer).toBe("4 of 8 runs converged. With W^Q alone: softmax 0 of 2, gaussian 2 of 2.");
  });

  it("refuses a kernel that it does not know, or that needs more than q, k and v", async () => {
    await expect(runTrial(tiny, "nothing", ["query"], 1)).rejects.toThrow(ArgumentError);
    await expect(runTrial(tiny, "factored", ["query"], 1)).rejects.toThrow(/wanted one of softmax, gaussian/);
  });
});
