import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { quick } from "../../src/studies/convergence/configuration.js";
import { quickDynamics } from "../../src/studies/dynamics/configuration.js";
import { quickPathfinder } from "../../src/studies/pathfinder/configuration.js";
import { defaults } from "../../src/studies/potts/configuration.js";
import { toJson } from "../../src/studies/results.js";
import type { StudyProcess } from "../support/conduct.js";
import { tinyCorpus } from "../support/corpus.js";
import { bundle, ended, start, timelessResults } from "../support/processes.js";

let folder = "";
let program = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resume-"));
  program = await bundle("tests/support/conduct.ts", folder);
  await tinyCorpus(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const configurations: Readonly<Record<string, () => unknown>> = {
  convergence: () => ({ ...quick, data: join(folder, "tiny.csv"), guarantee: { ...quick.guarantee, steps: 40 }, learning: { ...quick.learning, tokens: 8, width: 8, hidden: 8, epochs: 4, test: 12, train: 36 } }),
  dynamics: () => ({ ...quickDynamics, kernels: ["softmax", "gaussian"], subsets: [["query"], ["value"]], seeds: 3, steps: 100 }),
  pathfinder: () => ({ ...quickPathfinder, seeds: 1, train: 48, test: 8, width: 8, hidden: 8, layers: 1, batch: 8, epochs: 4, landscape: { points: 3, radius: 1, pictures: 8, products: 3, linePoints: 5 } }),
  potts: () => ({ ...defaults, sites: 4, colours: 3, samples: 400, batch: 50, epochs: 8, restarts: 2 }),
};

/** Processes that are killed before one is left alone. */
const KILLS = 4;

it.each(Object.keys(configurations))("study %s, killed at random moments and resumed, ends with the numbers of an uninterrupted run", { timeout: 300_000 }, async (study) => {
  const options = { study, configuration: configurations[study](), seed: 3, interval: 0 };
  const run = (own: Partial<StudyProcess>) => start(program, toJson({ ...options, ...own }));
  const whole = join(folder, study, "whole");
  const begin = performance.now();
  expect(await ended(run({ out: whole, interval: 1000 }))).toBe(0);
  const duration = performance.now() - begin;

  const out = join(folder, study, "killed");
  const delays: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const child = run({ out, resume: true });
    await once(child.stdout!, "data");
    delays.push((Math.random() * duration) / KILLS);
    await sleep(delays[kill]);
    child.kill("SIGKILL");
    await ended(child);
  }
  expect(await ended(run({ out, resume: true }))).toBe(0);
  expect(await timelessResults(out), `killed after ${delays.join(", ")} ms`).toEqual(await timelessResults(whole));
  expect(await readFile(join(out, "results.json"), "utf8")).toContain('"partial": false');
});
