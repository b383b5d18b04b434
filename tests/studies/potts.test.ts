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

const small = {
  ...optionsOf(potts),
  seeds: 2,
  layers: [1],
  sites: 4,
  colours: 3,
  samples: 1000,
  test: 200,
  contexts: 20,
  width: 8,
  hidden: 8,
  batch: 50,
  epochs: 4,
  restarts: 1,
  factoredRate: 0.03,
};
const run = (configuration: typeof small, only?: string) =>
  conduct(potts, configuration, {
    backend: cpu,
    seed: 5,
    out: join(out, only ?? "all"),
    command: "test",
    ...(only === undefined ? {} : { only: [only] }),
  });

it("study potts learns small models over seeds, and repeats with its seed", async () => {
  const { results, report } = await run(small);
  expect((await readdir(join(out, "all"))).sort()).toEqual([
    "couplings.svg",
    "loss.svg",
    "report.html",
    "results.json",
    "tasks",
  ]);
  const { runs, truths } = results.measurements!;
  expect(truths.map(({ seed, couplings }) => [seed, couplings.length])).toEqual([
    [5, 6],
    [6, 6],
  ]);
  expect(runs.map(({ kernel, seed, losses }) => [kernel, seed, losses.length])).toEqual([
    ["factored", 5, 80],
    ["softmax 1 layer", 5, 80],
    ["factored", 6, 80],
    ["softmax 1 layer", 6, 80],
  ]);
  const [factored, encoder] = runs;
  expect(factored.couplingCorrelation).toBeGreaterThan(0.95);
  expect(factored.interactionCorrelation).toBeGreaterThan(0.95);
  expect(factored.heldOut).toBeLessThan(0.02);
  expect(factored.losses[0]).toBeGreaterThan(0.1);
  expect(factored.residual).toBeCloseTo(0, 10);
  expect(encoder.residual).toBeGreaterThan(1e-3);
  expect(encoder.residual).toBeGreaterThan(encoder.betweenContexts);
  expect(encoder.heldOut).toBeLessThan(encoder.losses[0]);
  expect(report.answer).toMatch(/^Correlation with J: factored 0\.9\d{3}, softmax 1 layer -?0\.\d{4}; means over 2/);
  const again = (await run({ ...small, seeds: 1 })).results.measurements!;
  expect(again.runs).toMatchObject(runs.slice(0, 2).map(({ secondsPerStep: _, ...own }) => own));
});

it("study potts compares the depths of its encoders with the factored layer and with each other", async () => {
  const { report } = await run({ ...small, seeds: 1, layers: [1, 2], samples: 100, epochs: 1, contexts: 2 });
  const [, differences] = report.blocks.filter((block) => block.kind === "table");
  expect(differences.rows.map(([pair]) => pair)).toEqual([
    "softmax 1 layer minus factored",
    "softmax 2 layers minus factored",
    "softmax 2 layers minus softmax 1 layer",
  ]);
});

it("study potts keeps the start of the factored layer with the least loss", async () => {
  const own = { ...small, seeds: 1, restarts: 3, samples: 200, contexts: 2 };
  const [kept] = (await run(own, "factored")).results.measurements!.runs;
  const losses = [];
  for (const start of [1, 2, 3])
    losses.push((await run(own, `factored start ${start}`)).results.measurements!.runs[0].losses);
  const last = (all: readonly number[]): number => all.slice(-4).reduce((a, b) => a + b);
  expect(new Set(losses.map(last)).size).toBe(3);
  expect(last(kept.losses)).toBe(Math.min(...losses.map(last)));
});
