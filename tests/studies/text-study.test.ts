import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { text } from "../../src/studies/text/study.js";
import { measurementsOf, optionsOf, stoppedReport } from "../support/study.js";

const folder = mkdtempSync(join(tmpdir(), "texts-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "texts.jsonl");
const source = random(1);
const word = (words: readonly string[]): string => words[Math.floor(source.uniform() * words.length)];
/** Sixty different texts whose words determine the class. */
writeFileSync(
  file,
  Array.from({ length: 60 }, (_, index) => {
    const words = index % 2 ? ["cheap", "prize", "money", "now"] : ["meeting", "notes", "code", "review"];
    return JSON.stringify({
      text: [word(words), word(words), word(words), `t${"abcdefgh"[index % 8]}${"abcdefgh"[index >> 3]}`].join(" "),
      label: index % 2 ? "spam" : "ham",
    });
  }).join("\n"),
);
const tiny = optionsOf(text, {
  data: file,
  seeds: 2,
  tokens: 4,
  train: 32,
  test: 16,
  width: 8,
  hidden: 8,
  layers: 1,
  batch: 8,
  epochs: 3,
  learningRate: 0.1,
});

const measure = (options: typeof tiny) => measurementsOf(text, options, 3);
type TextMeasurements = Awaited<ReturnType<typeof measure>>;

/** The measurements without times. */
const numbers = (measurements: TextMeasurements): string =>
  JSON.stringify(measurements, (key, value: unknown) => (key === "seconds" ? 0 : value));
const report = (measurements: TextMeasurements | undefined) => stoppedReport(text, tiny, measurements, 3);

describe("study text", () => {
  it("trains every kernel on every seed with equal budgets, the loss falls, and it repeats bit for bit", async () => {
    const measurements = await measure(tiny);
    const { data, runs } = measurements;
    expect(
      runs.map(({ kernel, seed, epochs, losses }) => `${kernel} ${seed} ${epochs.length} ${losses.length}`),
    ).toEqual(["softmax 3 3 12", "gaussian 3 3 12", "softmax 4 3 12", "gaussian 4 3 12"]);
    expect(data.map(({ train, test, majority }) => [train, test, majority])).toEqual([
      [32, 16, 0.5],
      [32, 16, 0.5],
    ]);
    for (const { epochs } of runs) expect(epochs[2].trainLoss).toBeLessThan(epochs[0].trainLoss);
    expect(numbers(await measure(tiny))).toBe(numbers(measurements));
  });

  it("reads bytes", async () => {
    const { data, runs } = await measure({
      ...tiny,
      unit: "bytes",
      tokens: 24,
      vocabulary: optionsOf(text, text.presets!.full.options).vocabulary,
      seeds: 1,
      epochs: 1,
    });
    // letters and the space, padding and unknown
    expect(data[0].vocabulary).toBeGreaterThan(15);
    expect(data[0].vocabulary).toBeLessThan(30);
    expect(runs).toHaveLength(2);
  });

  it("shows the accuracy with intervals, the paired difference, and curves with bands over seeds", async () => {
    const { blocks, answer } = report(await measure(tiny));
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual(["accuracy", "loss", "monitor-entropy"]);
    for (const svg of figures.map(drawFigure)) {
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg).toMatch(/fill-opacity="0\.18"/);
    }
    expect(answer).toMatch(
      new RegExp(
        String.raw`^Test accuracy: softmax [\d.]+ %, gaussian [\d.]+ % ` +
          String.raw`\(always answering the most frequent class: 50\.0 %\)\. gaussian minus softmax: `,
      ),
    );
    expect(answer).toContain("2 paired seeds");
  });

  it("says that no run was finished", async () => {
    expect(report(undefined).answer).toBe("The study was stopped before its first result.");
    const { data, runs } = await measure({ ...tiny, seeds: 1, epochs: 1 });
    expect(report({ data, runs }).answer).toBe("The study was stopped before a model was trained to its end.");
  });

  it("refuses an unknown kernel before it trains", async () => {
    await expect(measure({ ...tiny, kernels: ["softmax", "nothing"] })).rejects.toThrow(ArgumentError);
  });
});
