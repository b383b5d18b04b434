import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { conduct } from "../../src/studies/study.js";
import { defaultsFor } from "../../src/studies/wavefunction/configuration.js";
import { movingAverage } from "../../src/studies/wavefunction/present.js";
import { wavefunction } from "../../src/studies/wavefunction/study.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "wavefunction-"));
});
afterEach(() => rm(out, { recursive: true }));

const tiny = { ...defaultsFor(4), width: 4, heads: 2, layers: 1, seeds: 1, steps: 4, samples: 64 };
const conducted = (configuration: typeof tiny, signal?: AbortSignal) => conduct(wavefunction, configuration, { backend: cpu, seed: 3, out, command: "test", ...(signal ? { signal } : {}) });

it("study wavefunction compares both attentions from one start, against Lanczos, and repeats with its seed", async () => {
  const { results, presentation } = await conducted(tiny);
  expect((await readdir(out)).sort()).toEqual(["energy.svg", "input-dependence.svg", "report.html", "results.json"]);
  const { reference, runs } = results.measurements!;
  expect(reference!.energy).toBeCloseTo(-0.5286202095, 9);
  expect(runs.map(({ attention, finished, energies }) => [attention, finished, energies.length])).toEqual([["factored", true, 4], ["softmax", true, 4]]);
  for (const run of runs) {
    expect(run.enumerated!).toBeGreaterThan(reference!.energy);
    // The sampled energy is an estimate of the enumerated one.
    expect(Math.abs(run.last.mean - run.enumerated!)).toBeLessThan(5 * run.last.error);
  }
  const [factored, softmax] = runs;
  expect(factored.dependence.at(-1)!.layers[0]).toBeLessThan(1e-20);
  expect(softmax.dependence.at(-1)!.layers[0]).toBeGreaterThan(1e-6);
  expect(softmax.parameters - factored.parameters).toBe(2 * 4 * 4);
  expect(presentation.answer).toMatch(/factored \(positions alone\): energy per site -?0\.\d+ to/);
  const once = await conducted({ ...tiny, steps: 1 });
  expect(once.results.measurements!.runs[0].energies[0]).toBe(factored.energies[0]);
});

it("samples lattices too large to enumerate, and shows what is published", async () => {
  const { results } = await conducted({ ...defaultsFor(6), width: 4, heads: 2, layers: 1, steps: 1, samples: 32, chains: 16 });
  const { reference, runs } = results.measurements!;
  expect(reference).toMatchObject({ energy: -0.50381 });
  expect(runs[0].last.error).toBeGreaterThan(0);
  expect(runs[0].enumerated).toBeUndefined();
});

it("moving averages join as many values as the window holds", () => {
  expect(movingAverage([1, 2, 3, 4], 2)).toEqual([1.5, 2.5, 3.5]);
});
