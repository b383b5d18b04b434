import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { studies } from "../../src/studies/registry.js";
import type { Declared, Values } from "../../src/studies/runner/options.js";
import { random } from "../../src/core/random.js";
import { encodeSafetensors } from "../../src/weights/safetensors.js";
import { toJson } from "../../src/studies/runner/results.js";
import { fileName } from "../../src/studies/runner/task-file.js";
import { layouts } from "../support/model-names.js";
import { drawn, sized } from "../support/attack.js";
import type { StudyProcess } from "../support/conduct.js";
import { tinyCorpus } from "../support/corpus.js";
import { storedModels } from "../support/stored-models/index.js";
import { optionsOf } from "../support/study.js";
import { bundle, ended, start, timelessResults } from "../support/processes.js";

const vit = storedModels.find(({ title }) => title === "ViT")!;

let folder = "";
let program = "";
let commandLine = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "resume-"));
  program = await bundle("tests/support/conduct.ts", folder);
  commandLine = await bundle("src/cli/index.ts", folder);
  await tinyCorpus(folder);
  await writeFile(join(folder, "model.safetensors"), smallModel());
  await writeFile(join(folder, "vit.safetensors"), encodeSafetensors(vit.weights));
  await writeFile(
    join(folder, "pixels.safetensors"),
    encodeSafetensors({ pixels: { shape: vit.input.shape, data: vit.input.data } }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

/** Three layers of random weights as BERT names them. */
function smallModel(): Uint8Array {
  const stream = random(2);
  const names = Array.from({ length: 3 }, (_, layer) => Object.values(layouts.bert(layer))).flat();
  return encodeSafetensors(
    Object.fromEntries(names.map((name) => [`bert.${name}`, { shape: [16, 16], data: stream.normals(256) }])),
  );
}

const windows = { texts: 24, testTexts: 12, length: 8, tokens: 4, train: 24, test: 12, vocabulary: 20 };

/** Small encoders that a study trains on texts. */
const trained = () => ({
  data: join(folder, "tiny.csv"),
  ...{ seeds: 2, tokens: 8, train: 24, test: 12, width: 8, hidden: 8, layers: 1, batch: 8, epochs: 2 },
});

type Options = Readonly<Record<string, unknown>>;
const group = (options: Options, name: string): Options => options[name] as Options;
/** Every study in small: what is changed of its defaults. */
const changes: Readonly<Record<string, (defaults: Options) => Options>> = {
  convergence: (own) => ({
    data: join(folder, "tiny.csv"),
    guarantee: { ...group(own, "guarantee"), steps: 40 },
    learning: { ...group(own, "learning"), tokens: 8, width: 8, hidden: 8, epochs: 4, test: 12, train: 36 },
  }),
  dynamics: (own) => ({
    startHeads: [4],
    startDraws: 2,
    experiments: Object.fromEntries(
      Object.entries(group(own, "experiments") as Record<string, Options>).map(([name, experiment]) => [
        name,
        { ...experiment, kernels: ["softmax", "gaussian"], subsets: [["query"]], seeds: 2, steps: 60 },
      ]),
    ),
  }),
  pathfinder: () => ({
    seeds: 1,
    train: 48,
    test: 8,
    width: 8,
    hidden: 8,
    layers: 1,
    batch: 8,
    epochs: 4,
    rates: [0.001],
    firstKernel: "softmax",
    firstEpochs: 2,
    landscape: { points: 3, radius: 1, pictures: 8, products: 3, directions: 2, linePoints: 5 },
  }),
  text: () => ({
    data: join(folder, "tiny.csv"),
    kernels: ["softmax", "gaussian"],
    seeds: 1,
    rates: [0.01, 0.03],
    trials: 1,
    tokens: 8,
    train: 24,
    test: 12,
    width: 8,
    hidden: 8,
    layers: 1,
    batch: 8,
    epochs: 3,
  }),
  symmetric: () => ({
    ...windows,
    data: join(folder, "tiny.csv"),
    kernels: ["softmax", "pairwise"],
    seeds: 1,
    width: 8,
    hidden: 8,
    layers: 1,
    batch: 8,
    epochs: 4,
  }),
  elliptical: (own) => ({
    data: join(folder, "tiny.csv"),
    kernels: ["elliptical"],
    seeds: 1,
    width: 8,
    hidden: 8,
    text: { ...group(own, "text"), tokens: 8, train: 24, test: 12, batch: 8, epochs: 3 },
    language: { ...group(own, "language"), ...windows, batch: 8, epochs: 3 },
  }),
  potts: () => ({
    seeds: 2,
    layers: [1],
    sites: 4,
    colours: 3,
    samples: 400,
    test: 50,
    contexts: 5,
    width: 8,
    hidden: 8,
    batch: 50,
    epochs: 8,
  }),
  wavefunction: () => ({
    ...optionsOf(studyOf("wavefunction"), { extents: [8], j2: 0.3 } as unknown as Values<Declared>),
    width: 4,
    sampling: "metropolis",
    samples: 32,
    chains: 16,
    momentum: 0.8,
    seeds: 1,
    steps: 6,
    lengths: [2],
    lengthSeeds: 1,
  }),
  dissect: () => ({ model: join(folder, "model.safetensors"), heads: 2 }),
  relevance: () => ({
    model: join(folder, "vit.safetensors"),
    inputs: join(folder, "pixels.safetensors"),
    facts: JSON.stringify(vit.config),
  }),
  freeze: () => trained(),
  transplant: () => ({ ...trained(), kernels: ["gaussian"], tuning: 2 }),
};
const studyOf = (name: string) => studies.find((study) => study.name === name)!;
const configurationOf = (name: string): unknown => {
  const defaults = optionsOf(studyOf(name));
  return { ...defaults, ...changes[name](defaults) };
};

const run = (study: string, out: string, own: Partial<StudyProcess> = {}) =>
  start(program, toJson({ study, configuration: configurationOf(study), seed: 3, out, ...own }));

/** Processes that are killed before one is left alone. */
const KILLS = sized(1, 12);
/** Between two looks whether something was stored. */
const POLL_MS = 5;

const records = async (out: string): Promise<string[]> =>
  (await readdir(join(out, "tasks")).catch(() => [])).filter((name) => name.endsWith(".json")).sort();

it.each(studies.map(({ name }) => name))(
  "study %s in shards, one of them killed at random moments and resumed, has the merged numbers of one process",
  { timeout: 600_000 },
  async (study) => {
    const stream = drawn(`kills of ${study}`);
    const [whole, killed, other] = ["whole", "1", "2"].map((name) => join(folder, study, name));
    const begin = performance.now();
    expect(await ended(run(study, whole))).toBe(0);
    const duration = (performance.now() - begin) / 2;

    const options = { shard: { index: 1, count: 2 }, resume: true, interval: 0 };
    const delays: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const child = run(study, killed, options);
      await once(child.stdout!, "data");
      delays.push((stream.uniform() * duration) / KILLS);
      await sleep(delays[kill]);
      const isRunning = (): boolean => child.exitCode === null;
      while (kill === KILLS - 1 && (await records(killed)).length === 0 && isRunning()) await sleep(POLL_MS);
      child.kill("SIGKILL");
      await ended(child);
    }
    const kept = await records(killed);
    expect(kept.length).toBeGreaterThan(0);
    const last = run(study, killed, options);
    const said = text(last.stdout!);
    const rest = ended(run(study, other, { shard: { index: 2, count: 2 } }));
    expect(await Promise.all([ended(last), rest])).toEqual([0, 0]);
    const fromStart = ((await said).match(/(?<=^done: ).*$/gm) ?? []).map((name) => `${fileName(name)}.json`);
    expect(kept.filter((name) => fromStart.includes(name))).toEqual([]);

    const merged = join(folder, study, "merged");
    expect(await ended(start(commandLine, "study", "merge", killed, other, "--out", merged))).toBe(0);
    expect(await timelessResults(merged), `killed after ${delays.join(", ")} ms`).toEqual(await timelessResults(whole));
    expect(await readFile(join(merged, "results.json"), "utf8")).toContain('"partial": false');
  },
);
