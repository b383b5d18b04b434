import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { potts } from "../../src/studies/potts/study.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import { optionsOf } from "../support/study.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "potts-"));
});
afterEach(() => rm(out, { recursive: true }));

it("study potts learns a small model, and repeats with its seed", async () => {
  const configuration = {
    ...optionsOf(potts),
    sites: 4,
    colours: 3,
    samples: 1000,
    batch: 250,
    epochs: 30,
    learningRate: 0.1,
    restarts: 2,
  };
  const run = () => conduct(potts, configuration, { backend: cpu, seed: 5, out, command: "test" });
  const { results, report } = await run();
  expect((await readdir(out)).sort()).toEqual(["couplings.svg", "loss.svg", "report.html", "results.json", "tasks"]);
  const { runs, trueLoss, truth } = results.measurements!;
  expect(truth).toHaveLength(6);
  expect(runs.map(({ attention, losses }) => [attention, losses.length])).toEqual([
    ["factored", 120],
    ["softmax", 120],
  ]);
  expect(runs[0].couplingCorrelation).toBeGreaterThan(0.8);
  // The last epoch sees every sample once, as the true loss does.
  expect(runs[0].losses.slice(-4).reduce((a, b) => a + b) / 4 - trueLoss).toBeLessThan(0.03);
  expect(runs[0].losses[0]).toBeGreaterThan(trueLoss + 0.1);
  expect(report.answer).toMatch(/factored attention: correlation with J 0\.\d{4}/);
  expect((await run()).results.measurements!.runs[0].losses).toEqual(runs[0].losses);
});

it("study potts keeps the start with the least loss, for each attention", async () => {
  const configuration = {
    ...optionsOf(potts),
    sites: 4,
    colours: 3,
    samples: 500,
    batch: 250,
    epochs: 3,
    learningRate: 0.1,
    restarts: 3,
  };
  const run = async (only?: string) => {
    const { results } = await conduct(potts, configuration, {
      backend: cpu,
      seed: 5,
      out: join(out, only ?? "all"),
      command: "test",
      ...(only === undefined ? {} : { only: [only] }),
    });
    return results.measurements!.runs;
  };
  for (const [place, { attention, losses, couplings, couplingCorrelation, absoluteCorrelation }] of (
    await run()
  ).entries()) {
    const starts = [];
    for (const start of [1, 2, 3]) starts.push((await run(`${attention} start ${start}`))[0].losses);
    const last = (all: readonly number[]): number => all.slice(-2).reduce((a, b) => a + b);
    expect(new Set(starts.map(last)).size).toBe(3);
    expect(last(losses)).toBe(Math.min(...starts.map(last)));
    expect(couplings).toHaveLength(6);
    expect(Math.abs(couplingCorrelation)).toBeLessThanOrEqual(1);
    expect(absoluteCorrelation === undefined).toBe(place === 0);
  }
});
