import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { multiply } from "../../src/autograd/ops.js";
import { ArgumentError } from "../../src/core/errors.js";
import { indices } from "../../src/core/indices.js";
import { random } from "../../src/core/random.js";
import type { Tensor } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { softmax } from "../../src/kernels/softmax.js";
import { encoder } from "../../src/nn/encoder.js";
import { encoderKernel } from "../../src/studies/kernels.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { measureLayers } from "../../src/studies/elliptical/layers.js";
import { elliptical } from "../../src/studies/elliptical/study.js";
import { tinyCorpus } from "../support/corpus.js";
import { measurementsOf, optionsOf, stoppedReport } from "../support/study.js";

let folder = "";
let tiny = optionsOf(elliptical);
type EllipticalMeasurements = NonNullable<ReturnType<typeof elliptical.gather>>;
let measurements: EllipticalMeasurements;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "elliptical-"));
  const { text, language } = optionsOf(elliptical);
  tiny = {
    ...optionsOf(elliptical),
    data: await tinyCorpus(folder),
    seeds: 2,
    width: 8,
    hidden: 8,
    text: { ...text, tokens: 8, train: 32, test: 16, vocabulary: 20, batch: 8, epochs: 2, learningRate: 0.05 },
    language: {
      ...language,
      texts: 32,
      testTexts: 16,
      length: 8,
      tokens: 4,
      train: 32,
      test: 16,
      vocabulary: 20,
      batch: 8,
      epochs: 2,
      learningRate: 0.02,
    },
  };
  measurements = await measurementsOf(elliptical, tiny, 3);
});
afterAll(() => rm(folder, { recursive: true }));

const report = (measured: EllipticalMeasurements | undefined) => stoppedReport(elliptical, tiny, measured, 3);

describe("study elliptical", () => {
  it("trains every kernel on both tasks and every seed, and tests it at every contamination", () => {
    const { runs } = measurements;
    expect(runs.map(({ experiment, kernel, seed }) => `${experiment} ${kernel} ${seed}`)).toEqual(
      [3, 4].flatMap((seed) =>
        ["text", "language"].flatMap((experiment) => tiny.kernels.map((kernel) => `${experiment} ${kernel} ${seed}`)),
      ),
    );
    for (const { experiment, tests, layers, epochs } of runs) {
      expect(tests.map(({ share }) => share)).toEqual([0, 0.1, 0.2, 0.3]);
      expect(tests[0].loss).toBeCloseTo(epochs[1].testLoss, 12);
      expect(tests.every(({ accuracy }) => (accuracy === undefined) === (experiment === "language"))).toBe(true);
      expect(layers).toHaveLength(tiny.layers);
      for (const { tokenCosine, outputCosine, headDistance } of layers) {
        for (const cosine of [tokenCosine, outputCosine]) expect(Math.abs(cosine)).toBeLessThan(1);
        expect(outputCosine).not.toBe(tokenCosine);
        expect(headDistance).toBeGreaterThan(0);
      }
    }
    const [clean, swapped] = [0, 3].map((place) => runs.map(({ tests }) => tests[place].loss));
    expect(swapped).not.toEqual(clean);
  });

  it("tests words to predict that are contaminated as well, which costs nothing where none is", () => {
    for (const { experiment, tests } of measurements.runs) {
      const contaminated = tests.map(({ contaminatedLoss }) => contaminatedLoss);
      if (experiment === "text") expect(contaminated).toEqual(tests.map(() => undefined));
      else {
        expect(contaminated[0]).toBe(tests[0].loss);
        expect(contaminated[3]).not.toBe(tests[3].loss);
      }
    }
  });

  it("has other defaults for one rare word: more layers, and more kernels as controls", async () => {
    const rare = optionsOf(elliptical, { attack: "rare" });
    expect(rare.layers).toBe(4);
    expect(rare.language.tokens).toBe(64);
    expect(rare.contamination).toEqual([0, 0.015, 0.025, 0.04]);
    const { text, language } = tiny;
    const { runs } = await measurementsOf(
      elliptical,
      { ...rare, ...tiny, text, language, kernels: rare.kernels, seeds: 1, attack: "rare", layers: 2 },
      3,
    );
    expect(runs.map(({ kernel }) => kernel)).toEqual([...rare.kernels, ...rare.kernels]);
    const clean = runs.map(({ tests }) => tests[0].loss);
    expect(new Set(clean).size).toBe(clean.length);
  });

  it("in one layer is dot-product attention, because the first layer's metric is the identity", async () => {
    const { runs } = await measurementsOf(
      elliptical,
      { ...tiny, layers: 1, seeds: 1, kernels: ["softmax", "elliptical"] },
      3,
    );
    for (const experiment of ["text", "language"]) {
      const [dot, other] = runs.filter((run) => run.experiment === experiment);
      expect(other.tests).toEqual(dot.tests);
    }
  });

  it("shows tables with intervals, and figures with bands", () => {
    const { blocks, answer } = report(measurements);
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual([
      "text-contamination",
      "text-monitor-entropy",
      "language-contamination",
      "language-targets-contamination",
      "language-monitor-entropy",
    ]);
    for (const svg of figures.filter(({ name }) => name.endsWith("contamination")).map(drawFigure)) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg.match(/fill-opacity="0\.18"/g)).toHaveLength(3);
    }
    const [accuracy] = blocks.flatMap((block) => (block.kind === "table" && block.summary ? [block] : []));
    expect(accuracy.columns.slice(2)).toEqual(["0 % swapped", "10 % swapped", "20 % swapped", "30 % swapped"]);
    for (const row of accuracy.rows)
      for (const cell of row.slice(2)) expect(cell).toMatch(/^[\d.]+ % \([\d.-]+ % to [\d.]+ %\)$/);
    expect(answer).toMatch(
      new RegExp(
        String.raw`Next words with 30 % of the tokens swapped, elliptical against softmax: [\d.]+ times ` +
          String.raw`the perplexity \(95 % interval [\d.]+ to [\d.]+, 2 paired seeds\)`,
      ),
    );
  });

  it("says that no run was finished, and refuses an unknown kernel", async () => {
    expect(report(undefined).answer).toBe("The study was stopped before its first result.");
    await expect(measurementsOf(elliptical, { ...tiny, kernels: ["nothing"] }, 3)).rejects.toThrow(ArgumentError);
  });
});

it("trains on pictures, and tests them with noise and with black patches", async () => {
  const idx = (shape: readonly number[], values: readonly number[]): Buffer =>
    Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((extent) => [0, 0, extent >> 8, extent & 255]), ...values]);
  const count = 48;
  const source = random(1);
  // class 1 is brighter
  const levels = Array.from({ length: count * 64 }, (_, at) => (Math.floor(at / 64) % 2) * 150 + source.integer(60));
  await writeFile(join(folder, "train-images-idx3-ubyte"), idx([count, 8, 8], levels));
  await writeFile(
    join(folder, "train-labels-idx1-ubyte"),
    idx(
      [count],
      Array.from({ length: count }, (_, row) => row % 2),
    ),
  );
  const images = join(folder, "train-images-idx3-ubyte");
  const chosen = optionsOf(elliptical, { images });
  expect(chosen.kernels).toContain("ellipticalMedian");
  const options = {
    ...chosen,
    seeds: 1,
    width: 8,
    hidden: 8,
    layers: 2,
    contamination: [0, 1],
    image: { ...chosen.image, train: 32, test: 16, batch: 8, epochs: 6 },
  };
  const measured = await measurementsOf(elliptical, options, 3);
  expect(measured.images).toMatchObject([{ side: 8, train: 32, test: 16 }]);
  expect(measured.runs.map(({ kernel }) => kernel)).toEqual(options.kernels);
  for (const { tests, epochs, layers } of measured.runs) {
    const [clean, black] = tests;
    expect(clean.loss).toBeCloseTo(epochs.at(-1)!.testLoss, 12);
    expect(clean.occludedAccuracy).toBe(clean.accuracy);
    expect(clean.accuracy).toBeGreaterThan(0.9);
    // all patches of all pictures are black, so all have the same answer
    expect(black.occludedAccuracy).toBe(0.5);
    expect(layers).toHaveLength(2);
  }
  const { blocks, answer } = stoppedReport(elliptical, options, measured, 3);
  expect(answer).toMatch(/Occlusion with 100 % occluded, ellipticalMedian against softmax/);
  expect(blocks.flatMap((block) => (block.kind === "figure" ? [block.name] : []))).toContain("noise-contamination");
  const uneven = { ...options, image: { ...options.image, patch: 3 } };
  await expect(measurementsOf(elliptical, uneven, 3)).rejects.toThrow(/images: wanted square pictures.*patch, 3/);
  const texts = { ...tiny, kernels: ["softmax", "ellipticalMedian"] };
  await expect(measurementsOf(elliptical, texts, 3)).rejects.toThrow(/kernel: wanted one of .* got ellipticalMedian/);
});

it("a random metric is the identity in the first layer, and one for all later layers and texts", async () => {
  const { betweenLayers } = encoderKernel("ellipticalRandom").inputs![0];
  const values = cpu.tensor(random(4).normals(3 * 2 * 5 * 8), [3, 2, 5, 8]);
  const read = async (metric: Tensor) => Array.from(await metric.read());
  expect(await read(betweenLayers!(values, undefined))).toEqual(Array(3 * 2 * 8).fill(1));
  const later = await read(betweenLayers!(values, values));
  expect(await read(betweenLayers!(multiply(values, 2), values))).toEqual(later);
  const texts = [0, 1, 2].map((text) => later.slice(16 * text, 16 * (text + 1)));
  expect(texts[1]).toEqual(texts[0]);
  expect(texts[2]).toEqual(texts[0]);
  for (const head of [texts[0].slice(0, 8), texts[0].slice(8)]) {
    expect(Math.max(...head)).toBe(1);
    expect(new Set(head).size).toBe(8);
  }
});

it("layers are measured over texts: equal texts give what one gives", async () => {
  const kernel = softmax();
  const model = encoder({ kernel, vocabulary: 9, classes: 2, tokens: 3, width: 4, hidden: 4 });
  const parameters = model.initialize(cpu, random(1));
  const one = await measureLayers(model, kernel, parameters, indices([2, 5, 7], [1, 3]));
  const two = await measureLayers(model, kernel, parameters, indices([2, 5, 7, 2, 5, 7], [2, 3]));
  const alike = await measureLayers(
    model,
    kernel,
    { ...parameters, positions: cpu.full(0, [3, 4]) },
    indices([2, 2, 2], [1, 3]),
  );
  one.forEach(({ tokenCosine, headDistance }, layer) => {
    expect(two[layer].tokenCosine).toBeCloseTo(tokenCosine, 12);
    expect(two[layer].headDistance).toBeCloseTo(headDistance, 12);
    expect(alike[layer].tokenCosine).toBeCloseTo(1, 12);
    expect(alike[layer].headDistance).toBeCloseTo(0, 12);
  });
});
