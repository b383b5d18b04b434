import { beforeAll, describe, expect, it } from "vitest";
import { cpu } from "../../src/index.js";
import { freeze } from "../../src/studies/freeze/study.js";
import { drawFigure } from "../../src/studies/report/html.js";
import type { Table } from "../../src/studies/report/report.js";
import { evaluate } from "../../src/studies/training/classifier.js";
import { textExamples } from "../../src/studies/training/text-classifier.js";
import { textsBySeed, trainedTransformer } from "../../src/studies/training/trained.js";
import { measurementsOf, optionsOf, stoppedReport, workOn } from "../support/study.js";

const options = {
  ...optionsOf(freeze),
  ...{ seeds: 2, train: 128, test: 64, tokens: 32, width: 16, hidden: 16, heads: 2, epochs: 6, vocabulary: 300 },
};
let measured: NonNullable<ReturnType<typeof freeze.gather>>;
beforeAll(async () => {
  measured = await measurementsOf(freeze, options, 1); // on mails
});

const tables = (): Table[] =>
  stoppedReport(freeze, options, measured).blocks.flatMap((block) => (block.kind === "table" ? [block] : []));

describe("study freeze", () => {
  it("freezes the heads of encoders that learned their task", async () => {
    const { runs } = measured;
    expect(runs.map(({ seed }) => seed)).toEqual([1, 2]);
    for (const { dependence, plain, single, layers, rising, falling, count } of runs) {
      expect(plain.correct / count).toBeGreaterThan(0.7);
      expect(Math.min(...dependence.flat())).toBeGreaterThan(0);
      expect([single.flat().length, layers.length, rising.length]).toEqual([4, 2, 5]);
      expect(rising[4]).toEqual(falling[4]);
      expect(rising[4].loss).not.toBe(plain.loss);
    }
    const dataset = (await textsBySeed(options))(2);
    const model = await trainedTransformer(dataset, options, 2, workOn(cpu));
    // texts whose last place is not padding, which has id 0
    const full = Array.from({ length: 64 }, (_, row) => row).filter((row) => dataset.test.ids[row * 32 + 31] !== 0);
    expect(full.length).toBeLessThan(64);
    const all = textExamples(dataset.test);
    const examples = {
      labels: Int32Array.from(full, (row) => all.labels[row]),
      inputs: (rows: readonly number[]) => all.inputs(rows.map((row) => full[row])),
    };
    const { testAccuracy, testLoss } = await evaluate(model, model.parameters, examples, workOn(cpu));
    expect([runs[1].count, runs[1].plain.correct / full.length]).toEqual([full.length, testAccuracy]);
    expect(runs[1].plain.loss).toBeCloseTo(testLoss, 12);
  });

  it("reports means with Student's intervals, paired by seed", () => {
    const [heads, byLayer, order] = tables();
    expect([heads.rows.length, byLayer.rows.length, order.rows.length]).toEqual([4, 4, 5]);
    const shares = measured.runs.map(({ rising, plain, count }) => (100 * (rising[4].correct - plain.correct)) / count);
    const middle = (shares[0] + shares[1]) / 2;
    const half = 12.7062 * (Math.abs(shares[0] - shares[1]) / 2); // t of one degree of freedom, s/√2
    const numbers = byLayer.rows[3][3]
      .replaceAll("−", "-")
      .match(/-?\d+\.\d+/g)!
      .map(Number);
    [middle, middle - half, middle + half].forEach((value, at) => expect(numbers[at]).toBeCloseTo(value, 1));
    const smallest = measured.runs.map(({ dependence }) => Math.min(...dependence[1]));
    expect(Number(heads.rows[2][2].split(" ")[0])).toBeCloseTo((smallest[0] + smallest[1]) / 2, 2);
  });

  it("draws ρ by layer and rank, and accuracy with bands", () => {
    const { blocks, answer } = stoppedReport(freeze, options, measured);
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual(["dependence", "frozen"]);
    for (const svg of figures.map(drawFigure)) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(drawFigure(figures[1]).match(/fill-opacity="0\.18"/g)).toHaveLength(2);
    expect(answer).toMatch(/With all attention maps frozen .* 2 paired seeds\)/);
  });
});
