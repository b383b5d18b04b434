import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { indices } from "../../src/core/indices.js";
import { random } from "../../src/core/random.js";
import { cpu } from "../../src/cpu/cpu.js";
import { softmax } from "../../src/kernels/softmax.js";
import { encoder } from "../../src/nn/encoder.js";
import { pictureOf, type PathfinderOptions } from "../../src/studies/pathfinder/options.js";
import { kinds } from "../../src/studies/pathfinder/kinds.js";
import { chosenRate, type RatedRun } from "../../src/studies/comparison/rates.js";
import { pairedDifference } from "../../src/studies/comparison/runs.js";
import type { Landscape } from "../../src/studies/pathfinder/landscapes.js";
import type { PathfinderMeasurements } from "../../src/studies/pathfinder/report.js";
import { splitPictures, trainRun } from "../../src/studies/pathfinder/train.js";
import { pathfinder } from "../../src/studies/pathfinder/study.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { measurementsOf, optionsOf, stoppedReport, workOn } from "../support/study.js";

const tiny: PathfinderOptions = {
  ...optionsOf(pathfinder),
  seeds: 2,
  train: 16,
  test: 8,
  width: 4,
  hidden: 4,
  layers: 1,
  batch: 8,
  epochs: 3,
  rates: [0.001],
  landscape: { points: 3, radius: 1, pictures: 8, directions: 3, products: 3, linePoints: 5 },
};

const measure = (configuration: PathfinderOptions): Promise<PathfinderMeasurements> =>
  measurementsOf(pathfinder, configuration, 3);

/** The measurements without times. */
const numbers = (measurements: PathfinderMeasurements): string =>
  JSON.stringify(measurements, (key, value: unknown) => (key === "seconds" ? 0 : value));
const report = (measurements: PathfinderMeasurements | undefined) => stoppedReport(pathfinder, tiny, measurements, 3);

const run = (kernel: string, seed: number, testAccuracy: number): RatedRun => ({
  kernel,
  seed,
  learningRate: 0.001,
  epochs: [1, 2, 3].map((epoch) => ({ epoch, trainLoss: 0.7, testLoss: 0.7, testAccuracy, seconds: 1 })),
  losses: [0.7, 0.7, 0.7],
});

describe("study pathfinder", () => {
  it("trains every kernel on every seed, from one start for a seed, and repeats bit for bit", async () => {
    const measurements = await measure(tiny);
    expect(measurements.runs.map(({ kernel, seed, epochs }) => `${kernel} ${seed} ${epochs.length}`)).toEqual([
      "softmax 3 3",
      "gaussian 3 3",
      "softmax 4 3",
      "gaussian 4 3",
    ]);
    expect(measurements.positionsAccuracy).toHaveLength(2);
    for (const { losses, epochs } of measurements.runs) {
      expect(losses).toHaveLength(6);
      expect(epochs[0].trainLoss).toBeCloseTo((losses[0] + losses[1]) / 2, 12);
    }
    expect(numbers(await measure(tiny))).toBe(numbers(measurements));
  });

  it("measures the landscape of every model, with planes through those of the first seed", async () => {
    const { landscapes, runs } = await measure(tiny);
    expect(landscapes.map(({ kernel, seed, planes }) => [kernel, seed, planes !== undefined])).toEqual([
      ["softmax", 3, true],
      ["gaussian", 3, true],
      ["softmax", 4, false],
      ["gaussian", 4, false],
    ]);
    for (const [index, { planes, hessian, lines }] of landscapes.entries()) {
      expect(hessian.largest).toBeGreaterThan(hessian.smallest);
      expect(lines).toHaveLength(3);
      if (planes === undefined) continue;
      // the middle of the grid is the model, and all eight test pictures are used
      expect(planes.random.losses[4]).toBeCloseTo(runs[index].epochs[2].testLoss, 10);
      expect(planes.path.path).toHaveLength(4);
      expect(planes.path.path[3]).toEqual([0, 0]);
      expect(planes.path.explained[0]).toBeGreaterThanOrEqual(planes.path.explained[1]);
    }
  });

  it("tries rates on seeds of their own, and trains every kernel at its best", async () => {
    const { trials, runs, positionsAccuracy, landscapes } = await measure({
      ...tiny,
      kernels: ["softmax", "gaussian"],
      seeds: 1,
      epochs: 2,
      rates: [0.001, 0.1],
      trials: 1,
    });
    expect(trials.map(({ kernel, seed, learningRate }) => `${kernel} ${seed} ${learningRate}`)).toEqual([
      "softmax 1003 0.001",
      "softmax 1003 0.1",
      "gaussian 1003 0.001",
      "gaussian 1003 0.1",
    ]);
    for (const { kernel, learningRate } of runs) {
      const own = trials.filter((trial) => trial.kernel === kernel);
      expect(learningRate).toBe(chosenRate(own, { rates: [0.001, 0.1] }));
    }
    // trials are no part of the comparison
    expect(positionsAccuracy).toHaveLength(1);
    expect(landscapes).toHaveLength(2);
  });

  it("takes the rate of a stage in that stage", async () => {
    const options = { ...tiny, landscape: undefined };
    const lossesAt = async (learningRate: number, firstRate?: number): Promise<readonly number[]> => {
      const first = firstRate === undefined ? undefined : { kernel: "softmax", epochs: 1, learningRate: firstRate };
      const plan = { kernel: "softmax", seed: 3, isTrial: false, drawn: false, learningRate, first };
      return (await trainRun(options, plan, splitPictures(options, 3), workOn(cpu))).run.losses;
    };
    const [slow, fast, both] = [await lossesAt(0.001), await lossesAt(0.1), await lossesAt(0.1, 0.001)];
    expect(fast[1]).not.toBe(slow[1]);
    // two steps an epoch; the third loss is the last before a step of the second stage
    expect(both.slice(0, 3)).toEqual(slow.slice(0, 3));
    expect(both[3]).not.toBe(slow[3]);
    expect(await lossesAt(0.001, 0.001)).toEqual(slow);
  });

  it("says what it was, when it was stopped in the trials", () => {
    const { blocks } = report({ positionsAccuracy: [], trials: [run("softmax", 1001, 0.5)], runs: [], landscapes: [] });
    const [{ kind, ...intro }] = blocks;
    expect(kind).toBe("paragraph");
    expect(JSON.stringify(intro)).toMatch(/start and batches\. "/);
  });

  it("trains a first stage with one kernel, from whose weights every kernel goes on", async () => {
    const one = { ...tiny, seeds: 1, landscape: undefined };
    const [whole, other] = (await measure(one)).runs;
    const { runs } = await measure({ ...one, firstKernel: "softmax", firstEpochs: 2 });
    expect(runs[0].losses).toEqual(whole.losses);
    expect(runs[1].kernel).toBe("gaussian");
    expect(runs[1].losses.slice(0, 4)).toEqual(whole.losses.slice(0, 4));
    expect(runs[1].epochs[1].testLoss).toBe(whole.epochs[1].testLoss);
    expect(runs[1].losses[4]).not.toBe(whole.losses[4]);
    expect(runs[1].losses[4]).not.toBe(other.losses[4]);
    await expect(measure({ ...one, firstEpochs: 2 })).rejects.toThrow(
      /first-epochs: wanted a first stage, got no first-kernel.*--first-kernel softmax/,
    );
    await expect(measure({ ...one, firstKernel: "cosine", firstEpochs: 2 })).rejects.toThrow(
      /first-kernel: wanted one of the kernels that are compared: softmax, gaussian, got cosine/,
    );
    await expect(measure({ ...one, firstKernel: "softmax", firstEpochs: 3 })).rejects.toThrow(
      /first-epochs: wanted fewer than all 3 epochs/,
    );
    await expect(measure({ ...one, kernels: ["softmax", "symmetric"], firstKernel: "softmax" })).rejects.toThrow(
      /kernels: wanted kernels whose layers have the weights of softmax.*got symmetric/,
    );
  });

  it("compares sharpness and roughness over paired seeds", () => {
    const landscape = (kernel: string, seed: number, largest: number): Landscape => ({
      kernel,
      seed,
      hessian: { largest, smallest: 0, residual: 0, products: 1 },
      lines: [{ curvature: 1, concave: 0, excessVariation: 0 }],
    });
    const landscapes = [1, 2, 3].flatMap((seed) => [
      landscape("softmax", seed, 10 * seed),
      landscape("gaussian", seed, 10 * seed + 2),
    ]);
    const { blocks } = report({ positionsAccuracy: [0.5], trials: [], runs: [], landscapes });
    const found = blocks.flatMap((block) => (block.kind === "table" && /Sharpness/.test(block.title) ? [block] : []));
    expect(found[0].rows.slice(0, 2)).toEqual([
      ["largest Hessian eigenvalue", "softmax", "20 (-4.84 to 44.8)", "–"],
      ["largest Hessian eigenvalue", "gaussian", "22 (-2.84 to 46.8)", "2 (2 to 2)"],
    ]);
  });

  it("shows intervals, curves with bands, contours, surfaces and samples", async () => {
    const { blocks, answer } = report(await measure(tiny));
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual([
      "accuracy",
      "loss",
      "monitor-entropy",
      "landscape-random-contour",
      "landscape-random-surface",
      "landscape-path-contour",
      "landscape-path-surface",
      "samples-32",
      "samples-64",
      "samples-128",
      "samples-256",
    ]);
    const drawn = figures.map(drawFigure);
    for (const svg of drawn) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(drawn[0]).toMatch(/fill-opacity="0\.18"/);
    expect(drawn[4].match(/<polygon/g)).toHaveLength(2 * 4);
    expect(answer).toMatch(
      /gaussian minus softmax: [+−]\d+\.\d points of accuracy \(95 % interval .* 2 paired seeds\)/,
    );
  });

  it.each([
    [[0.6, 0.61, 0.62], [0.8, 0.81, 0.83], /gaussian is better/],
    [[0.8, 0.81, 0.83], [0.6, 0.61, 0.62], /softmax is better/],
    [[0.6, 0.9, 0.7], [0.7, 0.7, 0.8], /do not tell them apart/],
    [[0.6], [0.9], /interval unknown from one seed.*one seed says nothing/],
  ])("says which kernel is better only where the interval excludes zero: %j, %j", (first, second, wanted) => {
    const runs = [
      ...first.map((accuracy, seed) => run("softmax", seed, accuracy)),
      ...second.map((accuracy, seed) => run("gaussian", seed, accuracy)),
    ];
    expect(report({ positionsAccuracy: [0.5], trials: [], runs, landscapes: [] }).answer).toMatch(wanted);
    expect(pairedDifference(runs, "softmax", "gaussian")?.mean).toBeCloseTo(
      (first.reduce((a, b) => a + b) - second.reduce((a, b) => a + b)) / first.length,
      12,
    );
  });

  it("leaves a run that did not reach its end out of the statement", () => {
    const partial = { ...run("gaussian", 0, 0.9), epochs: run("gaussian", 0, 0.9).epochs.slice(0, 1) };
    const { answer } = report({
      positionsAccuracy: [0.5],
      trials: [],
      runs: [run("softmax", 0, 0.6), partial],
      landscapes: [],
    });
    expect(answer).toMatch(/softmax 60\.0 %/);
    expect(answer).not.toMatch(/gaussian/);
    expect(report(undefined).answer).toMatch(/stopped before its first result/);
  });

  it("refuses unknown kernels, patches that do not fit, and landscapes around one epoch", async () => {
    await expect(measure({ ...tiny, kernels: ["nothing"] })).rejects.toThrow(ArgumentError);
    await expect(measure({ ...tiny, patch: 5 })).rejects.toThrow(
      /patch: wanted a divisor of the picture's side 32, got 5/,
    );
    await expect(measure({ ...tiny, epochs: 1 })).rejects.toThrow(/epochs: wanted two or more.*--without-landscape/s);
  });

  it("has the published kinds, and their original dots where they are asked for", () => {
    expect([...new Set(Object.values(kinds).map(({ size }) => size))]).toEqual([32, 64, 128, 256]);
    expect(kinds["256-14"]).toMatchObject({ dashes: 14, seedDistance: 27, padding: 22, dotRadius: 5, balance: 8 });
    expect(pictureOf({ difficulty: "64-9", dots: "original" })).toEqual({ ...kinds["64-9"], balance: Infinity });
    expect(pictureOf({})).toEqual(optionsOf(pathfinder).picture);
  });
});

it("embeds features linearly: one-hot features are ids", async () => {
  const model = encoder({
    kernel: softmax(),
    vocabulary: 3,
    classes: 2,
    tokens: 2,
    width: 4,
    hidden: 4,
    heads: 2,
    layers: 1,
  });
  const parameters = model.initialize(cpu, random(1));
  const byIds = await model.apply(parameters, indices([2, 0], [1, 2])).read();
  const byFeatures = await model.apply(parameters, cpu.tensor([0, 0, 1, 1, 0, 0], [1, 2, 3])).read();
  byIds.forEach((value, index) => expect(byFeatures[index]).toBeCloseTo(value, 12));
  expect(() => model.apply(parameters, cpu.tensor([1, 0], [1, 2, 1]))).toThrow(
    /input: wanted \[batch, 2, 3\], got \[1, 2, 1\]/,
  );
});
