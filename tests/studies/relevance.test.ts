import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpu, indices, ops, random, softmax } from "../../src/index.js";
import { adam, encoder, stateDict, trainStep } from "../../src/nn/index.js";
import { drawFigure } from "../../src/studies/report/html.js";
import type { RelevanceResult } from "../../src/studies/relevance/measure.js";
import { relevance } from "../../src/studies/relevance/study.js";
import { encodeSafetensors } from "../../src/weights/index.js";
import { run } from "../support/command-line.js";
import { measurementsOf, optionsOf, stoppedReport } from "../support/study.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relevance-"));
});
afterAll(() => rm(folder, { recursive: true }));

const [vocabulary, tokens, count] = [6, 6, 64];

/** Texts in which token 0 stands once; the label is the parity of the token after it. */
function task(): { ids: number[]; labels: number[] } {
  const stream = random(5);
  const [ids, labels]: [number[], number[]] = [[], []];
  for (let row = 0; row < count; row++) {
    const own = Array.from({ length: tokens }, () => 1 + stream.integer(vocabulary - 1));
    const place = stream.integer(tokens - 1);
    own[place] = 0;
    ids.push(...own);
    labels.push(own[place + 1] % 2);
  }
  return { ids, labels };
}

/** A model that was trained on the task, and the task, as files. */
async function files(labelled: boolean, more: Record<string, readonly number[]> = {}) {
  const sizes = { vocabulary, tokens, classes: 2, width: 12, hidden: 16, heads: 2, layers: 2 };
  const own = encoder({ kernel: softmax(), ...sizes });
  const parameters = own.initialize(cpu, random(1));
  const { ids, labels } = task();
  const [input, wanted] = [indices(ids, [count, tokens]), indices(labels)];
  const optimizer = adam({ learningRate: 0.01 });
  for (let step = 0; step < 80; step++)
    await trainStep(optimizer, parameters, (p) => ops.crossEntropy(own.apply(p, input), wanted));
  const [model, inputs] = [join(folder, "model.safetensors"), join(folder, "inputs.safetensors")];
  const column = (data: readonly number[]) => ({ shape: [data.length], data });
  await writeFile(model, encodeSafetensors(await stateDict(parameters)));
  await writeFile(
    inputs,
    encodeSafetensors({
      ids: { shape: [count, tokens], data: ids },
      ...(labelled ? { labels: column(labels) } : {}),
      ...Object.fromEntries(Object.entries(more).map(([name, data]) => [name, column(data)])),
    }),
  );
  return { ...optionsOf(relevance), model, inputs, facts: '{"heads": 2, "norm": "pre"}' };
}

describe("analyze relevance", () => {
  let measured: RelevanceResult;
  beforeAll(async () => {
    measured = await measurementsOf(relevance, await files(true), 1);
  });

  it("finds that a model needs the maps that depend on its inputs", () => {
    const { dependence, plain, single, layers, rising, falling, count: inputs } = measured;
    expect(dependence.map((heads) => heads.length)).toEqual([2, 2]);
    expect(Math.max(...dependence.flat())).toBeGreaterThan(0.1);
    expect(plain.correct / inputs).toBeGreaterThan(0.9);
    expect(rising[4].correct).toBeLessThan(0.9 * plain.correct);
    expect(rising[4]).toEqual(falling[4]);
    expect([rising[0], falling[0]]).toEqual([plain, plain]);
    const order = dependence.flatMap((heads, layer) => heads.map((rho, head) => ({ rho, own: single[layer][head] })));
    order.sort((a, b) => a.rho - b.rho);
    expect(rising[1]).toEqual(order[0].own);
    expect(falling[1]).toEqual(order[3].own);
    expect(layers).toHaveLength(2);
    expect(rising[4].loss).toBeGreaterThan(plain.loss);
  });

  it("draws ρ by layer and head, and accuracy against the share of frozen heads", () => {
    const { blocks, answer } = stoppedReport(relevance, optionsOf(relevance), measured);
    const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
    expect(figures.map(({ name }) => name)).toEqual(["dependence", "frozen"]);
    for (const svg of figures.map(drawFigure)) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(answer).toMatch(/With all maps frozen to their means, accuracy is/);
  });

  it("takes the model's own answers without labels, and offsets for lengths that differ", async () => {
    const lengths = Array.from({ length: count }, (_, row) => (row % 2 === 0 ? tokens : 4));
    const { hasLabels, by, plain } = await measurementsOf(relevance, await files(false, { lengths }), 1);
    expect([hasLabels, by, plain.correct]).toEqual([false, "offset", count]);
  });

  it("runs as a command, and asks for what is missing", async () => {
    const { model, inputs, facts } = await files(true);
    const out = join(folder, "out");
    const { code, stdout } = await run([
      "analyze",
      "relevance",
      model,
      "--inputs",
      inputs,
      "--facts",
      facts,
      "--backend",
      "cpu",
      "--out",
      out,
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain("Answers with heads frozen to their mean maps");
    const stored = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as { measurements: RelevanceResult };
    expect(stored.measurements.dependence).toEqual(measured.dependence);
    const missing = await run(["analyze", "relevance", model, "--backend", "cpu", "--out", out]);
    expect(missing.stderr).toContain("--inputs: wanted a .safetensors file");
    const noFacts = await run(["analyze", "relevance", model, "--inputs", inputs, "--backend", "cpu", "--out", out]);
    expect(noFacts.stderr).toContain("heads, norm of an encoder of this library");
  });
});
