import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { cpu, indices, lengths, type Tensor } from "../../src/index.js";
import type { LayerTrace } from "../../src/nn/transformer.js";
import { dissect } from "../../src/studies/dissect/study.js";
import { encodeSafetensors } from "../../src/weights/index.js";
import { run } from "../support/command-line.js";
import { load } from "../support/loaded.js";
import { storedModels } from "../support/stored-models/index.js";
import { measurementsOf, optionsOf } from "../support/study.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dissect-input-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A model, its config.json and its inputs as files. */
async function files(title: string) {
  const stored = storedModels.find((own) => own.title.startsWith(title))!;
  const { weights, config } = stored;
  const { kind, ...input } = stored.input;
  const [model, inputs] = [join(folder, "model.safetensors"), join(folder, "inputs.safetensors")];
  await writeFile(model, encodeSafetensors(weights));
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const counts = stored.lengths && { lengths: { shape: [stored.lengths.length], data: stored.lengths } };
  await writeFile(inputs, encodeSafetensors({ [kind]: input, ...counts }));
  return { stored, model, inputs };
}

const ROW = 1;

/** q - b_q and k - b_k of every layer for the second input, [heads, n, d]. */
async function projections(title: string): Promise<(readonly [Float64Array, Float64Array, number])[]> {
  const { stored } = await files(title);
  const model = await load(cpu, stored);
  const { data, shape, kind } = stored.input;
  const [size, extents] = [data.length / shape[0], [1, ...shape.slice(1)]];
  const own = Array.from(data).slice(ROW * size, (ROW + 1) * size);
  const traces: LayerTrace[] = [];
  model.encode(model.parameters, kind === "ids" ? indices(own, extents) : cpu.tensor(own, extents), {
    ...(stored.lengths === undefined ? {} : { mask: lengths({ keys: [stored.lengths[ROW]] }) }),
    observe: (layer) => void traces.push(layer),
  });
  const centred = async (x: Tensor, bias: Tensor | undefined): Promise<Float64Array> => {
    const [numbers, shift] = [await x.read(), await bias?.read()];
    const [, , n, d] = x.shape;
    return Float64Array.from(numbers, (value, at) => value - (shift?.[Math.floor(at / (n * d)) * d + (at % d)] ?? NaN));
  };
  return Promise.all(
    traces.map(async ({ inputs: { q, k }, parameters }) => [
      await centred(q, parameters["queryBias"]),
      await centred(k, parameters["keyBias"]),
      q.shape[2],
    ]),
  );
}

it.each(["ViT", "BERT"])("modes on the tokens that an input gives inside %s sum to its scores", async (title) => {
  const { model, inputs, stored } = await files(title);
  const options = { ...optionsOf(dissect), model, inputs, row: ROW, modes: 4096 };
  const { layers, drawn } = await measurementsOf(dissect, options, 1);
  const count = stored.lengths?.[ROW];
  const wanted = await projections(title);
  for (const [layer, [q, k, tokens]] of wanted.entries()) {
    const heads = layers[layer].heads.length;
    const [n, d] = [count ?? tokens, q.length / heads / tokens];
    for (let head = 0; head < heads; head++) {
      const maps = layers[layer].maps!.filter((map) => map.head === head);
      expect(maps[0].queries).toHaveLength(n);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          const row = (numbers: Float64Array, at: number): Float64Array =>
            numbers.subarray((head * tokens + at) * d, (head * tokens + at + 1) * d);
          const score = row(q, i).reduce((sum, value, c) => sum + value * row(k, j)[c], 0);
          const sum = maps.reduce((all, { singularValue, queries, keys }) => {
            return all + singularValue * queries[i] * keys[j];
          }, 0);
          expect(sum).toBeCloseTo(score, 9);
        }
    }
  }
  expect(drawn).toMatchObject(
    title === "ViT" ? { kind: "picture", width: 6, height: 4, patches: [3, 2], special: 1 } : { kind: "text" },
  );
});

it("says that norms of queries and keys are left out", async () => {
  const { model } = await files("Qwen3");
  const { stdout } = await run(["analyze", model, "--out", join(folder, "out")]);
  expect(stdout).toContain("1 of keys (by config.json); norms of queries and keys are left out");
});

it("draws modes over the patches of a picture", async () => {
  const { model, inputs } = await files("ViT");
  const out = join(folder, "out");
  const { code, stderr } = await run(["analyze", model, "--inputs", inputs, "--modes", "2", "--out", out]);
  expect([code, stderr]).toEqual([0, ""]);
  const svg = await readFile(join(out, "input-1.svg"), "utf8");
  expect(svg.match(/<use [^>]*href="#/g)).toHaveLength(4);
  expect(svg.match(/<image [^>]*href="data:image\/png;base64,[\w+/=]{50,}"/g)).toHaveLength(1);
  expect(svg.match(/<rect [^>]*fill-opacity/g)).toHaveLength(4 * 7); // six patches and a special token
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

it("draws modes over the words of a text, and refuses an input that is not there", async () => {
  const { model, inputs, stored } = await files("GPT-2");
  const words = join(folder, "vocab.json");
  const names = Array.from({ length: 11 }, (_, id) => [`Ġword${id}`, id]);
  await writeFile(words, JSON.stringify(Object.fromEntries(names)));
  const out = join(folder, "out");
  const given = ["analyze", model, "--inputs", inputs, "--out", out];
  expect((await run([...given, "--words", words, "--row", "1"])).code).toBe(0);
  const svg = await readFile(join(out, "input-0.svg"), "utf8");
  const shown = svg.match(/>word\d+</g)!;
  const [count, n] = stored.input.shape;
  const ids = Array.from(stored.input.data).slice(n, 2 * n);
  expect(shown.slice(0, n)).toEqual(ids.map((id) => `>word${id}<`));
  expect((await run([...given, "--row", String(count)])).stderr).toContain(`--row: wanted one of ${count} inputs`);
});
