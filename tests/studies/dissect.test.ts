import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { cpu, random } from "../../src/index.js";
import { encodeSafetensors, type TensorToStore } from "../../src/weights/index.js";
import { dissect } from "../../src/studies/dissect/study.js";
import type { StudyEvent } from "../../src/studies/runner/events.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import { optionsOf } from "../support/study.js";
import { layouts } from "../support/model-names.js";

const [WIDTH, HEADS, LAYERS] = [24, 3, 4];

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "dissect-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** ViT-like layers whose W_k goes from W_q through independent weights to -W_q. */
async function writeModel(seed = 2): Promise<string> {
  const stream = random(seed);
  const tensors: Record<string, TensorToStore> = {};
  const matrix = (data: Float64Array): TensorToStore => ({ shape: [WIDTH, WIDTH], data, dtype: "F32" });
  for (let layer = 0; layer < LAYERS; layer++) {
    const names = layouts.vit(layer);
    const [query, other] = [stream.normals(WIDTH * WIDTH), stream.normals(WIDTH * WIDTH)];
    tensors[`vit.${names.query}`] = matrix(query);
    tensors[`vit.${names.key}`] = matrix([query, other, other, query.map((value) => -value)][layer]);
    tensors[`vit.${names.value}`] = matrix(other);
    tensors[`vit.${names.output}`] = matrix(other);
  }
  const path = join(folder, "model.safetensors");
  await writeFile(path, encodeSafetensors(tensors));
  return path;
}

async function run(...argv: string[]) {
  const texts = { stdout: "", stderr: "" };
  const collect = (name: "stdout" | "stderr"): PassThrough =>
    new PassThrough().on("data", (chunk: Buffer) => (texts[name] += chunk.toString()));
  const code = await main(argv, { stdout: collect("stdout"), stderr: collect("stderr") });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, ...texts };
}

it("tells apart layers that attend to similar tokens, to random ones, and to opposite ones", async () => {
  const model = await writeModel();
  await writeFile(join(folder, "config.json"), JSON.stringify({ num_attention_heads: HEADS }));
  const { results, report } = await conduct(dissect, optionsOf(dissect, { model, modes: 2 }), {
    backend: cpu,
    seed: 1,
    out: join(folder, "out"),
    command: "test",
  });
  const { layers, control, sizes, headsFrom, prefix } = results.measurements!;
  expect([headsFrom, prefix, layers.length]).toEqual(["configuration", "vit.encoder.layer.{}.", LAYERS]);
  expect(sizes[3]).toEqual({ label: "3", width: WIDTH, heads: HEADS, keyHeads: HEADS, dim: WIDTH / HEADS });
  expect(layers[0].plain).toBeCloseTo(1, 9);
  expect(layers[0].symmetricShare).toBeCloseTo(1, 9);
  expect(layers[3].weighted).toBeCloseTo(-1, 9);
  for (const layer of [layers[1], layers[2], control]) {
    expect(layer.modes).toBe(WIDTH);
    expect(Math.abs(layer.plain)).toBeLessThan(2 * layer.noise.plain);
    expect(layer.insideNoise).toBeGreaterThan(0.8);
  }
  expect(layers[0].heads.map(({ singularValues, cosines }) => [singularValues.length, cosines.length])).toEqual([
    [8, 8],
    [8, 8],
    [8, 8],
  ]);
  expect(report.answer).toMatch(
    new RegExp(
      "^By the mean weighted by σ, 1 of 4 layers attend to similar tokens more than noise explains, " +
        String.raw`1 to opposite ones; it is 0\.\d+ over the first 2 and -0\.\d+ over the last 2\.$`,
    ),
  );
});

it("`analyze` with only a file is `analyze dissect`, and says how to repeat it", async () => {
  const model = await writeModel();
  const out = join(folder, "out");
  const { code, stdout, stderr } = await run("analyze", model, "--heads", String(HEADS), "--out", out);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toContain("4 layers, width 24, 3 heads of 8 (given)");
  expect(stdout).toMatch(/layer +mean cos +noise +weighted by σ/);
  expect((await readdir(out)).sort()).toEqual([
    "cosines.svg",
    "report.html",
    "results.json",
    "symmetric-share.svg",
    "tasks",
  ]);
  const { command, partial } = JSON.parse(await readFile(join(out, "results.json"), "utf8")) as {
    command: string;
    partial: boolean;
  };
  expect([command, partial]).toEqual([
    `npx attention-kernels analyze dissect ${model} --seed 1 --backend cpu --heads 3`,
    false,
  ]);
});

it(
  "stopped and resumed gives the results of an uninterrupted run and repeats no finished layer; another " +
    "model under the same name starts anew",
  async () => {
    const configuration = optionsOf(dissect, { model: await writeModel(), heads: HEADS, modes: 1 });
    const out = join(folder, "out");
    const options = { backend: cpu, seed: 1, out, command: "test" };
    const whole = await conduct(dissect, configuration, { ...options, out: join(folder, "whole") });

    const controller = new AbortController();
    let heads = 0;
    const count = (event: StudyEvent): void => void (event.kind === "progress" && heads++);
    const stopAfter =
      (limit: number) =>
      (event: StudyEvent): void => {
        count(event);
        if (heads === limit) controller.abort();
      };
    // random, layer 0, layer 1, and one head of layer 2
    const stopped = await conduct(dissect, configuration, {
      ...options,
      signal: controller.signal,
      report: stopAfter(3 * HEADS + 1),
    });
    expect(stopped.results.partial).toBe(true);
    expect(stopped.results.measurements!.layers).toHaveLength(2);
    expect(stopped.report.answer).not.toMatch(/over the first/);

    heads = 0;
    const resumed = await conduct(dissect, configuration, { ...options, resume: true, report: count });
    expect(heads).toBe(2 * HEADS);
    expect(resumed.results.measurements).toEqual(whole.results.measurements);

    await writeModel(5);
    heads = 0;
    const other = await conduct(dissect, configuration, { ...options, resume: true, report: count });
    expect(heads).toBe(LAYERS * HEADS);
    expect(other.results.measurements!.layers[1]).not.toEqual(whole.results.measurements!.layers[1]);
  },
);

it("draws the maps of the strongest modes on the user's tokens", async () => {
  const model = await writeModel();
  const stream = random(3);
  const inputs = join(folder, "tokens.safetensors");
  await writeFile(
    inputs,
    encodeSafetensors({
      "hidden_states.1": { shape: [1, 70, WIDTH], data: stream.normals(70 * WIDTH) },
      "hidden_states.3": { shape: [5, WIDTH], data: stream.normals(5 * WIDTH) },
    }),
  );
  const out = join(folder, "out");
  const { results } = await conduct(dissect, optionsOf(dissect, { model, heads: HEADS, inputs, modes: 3 }), {
    backend: cpu,
    seed: 1,
    out,
    command: "test",
  });
  const { layers } = results.measurements!;
  expect(layers.map(({ maps }) => maps?.length)).toEqual([undefined, 3, undefined, 3]);
  const [strongest] = layers[3].maps!;
  expect(strongest.singularValue).toBe(Math.max(...layers[3].heads.flatMap(({ singularValues }) => singularValues)));
  expect([strongest.queries.length, strongest.keys.length]).toEqual([5, 5]);
  // u = -v where W_k = -W_q
  strongest.queries.forEach((value, token) => expect(value).toBeCloseTo(-strongest.keys[token], 9));
  expect((await readdir(out)).filter((name) => name.startsWith("modes-"))).toEqual(["modes-1.svg", "modes-3.svg"]);

  await writeFile(inputs, encodeSafetensors({ "hidden_states.0": { shape: [5, 3], data: new Float32Array(15) } }));
  await expect(
    conduct(dissect, optionsOf(dissect, { model, heads: HEADS, inputs, modes: 3 }), {
      backend: cpu,
      seed: 1,
      out,
      command: "test",
    }),
  ).rejects.toThrow(/hidden_states\.0: wanted tokens \[n, 24\] or \[1, n, 24\], got \[5, 3\]/);
  await writeFile(inputs, encodeSafetensors({ x: { shape: [1], data: [1] } }));
  await expect(
    conduct(dissect, optionsOf(dissect, { model, heads: HEADS, inputs, modes: 3 }), {
      backend: cpu,
      seed: 1,
      out,
      command: "test",
    }),
  ).rejects.toThrow(/wanted tensors hidden_states\.0 to hidden_states\.3/);
});

it(
  "refuses tokens that are not finite, and a pipe in place of a file; reads a configuration with a byte " +
    "order mark",
  async () => {
    const model = await writeModel();
    await writeFile(join(folder, "config.json"), `\uFEFF${JSON.stringify({ num_attention_heads: HEADS })}`);
    const inputs = join(folder, "tokens.safetensors");
    for (const [value, shown] of [
      [NaN, "NaN"],
      [Infinity, "Infinity"],
    ] as const) {
      const data = random(3).normals(5 * WIDTH);
      data[30] = value;
      await writeFile(inputs, encodeSafetensors({ "hidden_states.0": { shape: [5, WIDTH], data } }));
      const { code, stderr } = await run("analyze", model, "--inputs", inputs, "--out", join(folder, "out"));
      expect([code, stderr]).toEqual([
        2,
        `study dissect: hidden_states.0: wanted finite numbers, got ${shown} at index 30.\n`,
      ]);
    }
    const pipe = join(folder, "pipe.safetensors");
    execFileSync("mkfifo", [pipe]);
    for (const argv of [[pipe], [model, "--inputs", pipe]]) {
      expect(await run("analyze", ...argv, "--out", join(folder, "out"))).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/pipe\.safetensors: wanted a file, got a named pipe/) as string,
      });
    }
  },
);

it.each([
  ["a file that is not there", ["absent.safetensors"], /absent\.safetensors: wanted a readable file, got ENOENT/],
  ["no file", [], /missing required argument 'model'/],
  [
    "heads that do not divide the width",
    ["model.safetensors", "--heads", "5"],
    /countHeads: heads: wanted a divisor of 24/,
  ],
  ["no number of heads", ["model.safetensors"], /countHeads: heads: wanted the number of heads .* got none/],
  [
    "a query without its key",
    ["model.safetensors", "--heads", "3", "--query", "x.{}"],
    /wanted query and key together/,
  ],
  [
    "a prefix that is not there",
    ["model.safetensors", "--heads", "3", "--prefix", "bert."],
    /prefix: wanted the start of one of "vit\.encoder\.layer\.\{\}\.", got "bert\."/,
  ],
  [
    "a file that is no safetensors",
    ["text.txt"],
    /text\.txt: wanted weights as safetensors, PyTorch, NumPy or ONNX, got bytes of an unknown/,
  ],
  ["a Git LFS pointer", ["pointer.safetensors"], /pointer\.safetensors: wanted weights as .*, got a Git LFS pointer/],
  ["a page for an index", ["page.json"], /page\.json: wanted weights as .*, got an HTML page/],
])("refuses %s with exit code 2 and one line", async (_, argv, message) => {
  await writeModel();
  await writeFile(join(folder, "text.txt"), "once upon a time there was no header");
  await writeFile(
    join(folder, "pointer.safetensors"),
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
  );
  await writeFile(join(folder, "page.json"), "<!DOCTYPE html><html></html>");
  const { code, stderr } = await run(
    "analyze",
    "dissect",
    ...argv.map((word) => (/\.\w{3,}$/.test(word) ? join(folder, word) : word)),
    "--out",
    join(folder, "out"),
  );
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});
