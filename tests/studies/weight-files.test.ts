import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DataError } from "../../src/index.js";
import { encodeSafetensors, openSafetensors } from "../../src/weights/index.js";
import { writeAtomically } from "../../src/studies/runner/results.js";
import { fileSource } from "../../src/studies/stored/file.js";
import { openModel } from "../../src/studies/stored/open.js";
import { floatTensor, onnx } from "../support/onnx-files.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weights-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("a file is written whole and read in parts", async () => {
  await writeAtomically(
    folder,
    "a.safetensors",
    encodeSafetensors({ x: { shape: [3], data: [1, 2, 3] }, y: { shape: [1], data: [4], dtype: "F16" } }),
  );
  const { read } = await openSafetensors(await fileSource(join(folder, "a.safetensors")));
  expect(await read("x")).toEqual(Float32Array.of(1, 2, 3));
  expect(await read("y")).toEqual(Float32Array.of(4));
});

it("missing files, folders and files that shrink are refused with their path", async () => {
  await expect(fileSource(join(folder, "absent"))).rejects.toThrow(/absent: wanted a readable file, got ENOENT/);
  await expect(fileSource(folder)).rejects.toThrow(/wanted a file, got a folder/);
  const path = join(folder, "b.safetensors");
  const bytes = encodeSafetensors({ x: { shape: [3], data: [1, 2, 3] } });
  await writeFile(path, bytes);
  const { read } = await openSafetensors(await fileSource(path));
  await truncate(path, bytes.length - 4);
  await expect(read("x")).rejects.toThrow(DataError);
  await rm(path);
  await expect(read("x")).rejects.toThrow(/ENOENT/);
});

it("the only file of weights in a folder is its model, in any format", async () => {
  await writeFile(join(folder, "README.md"), "");
  await writeFile(join(folder, "net.onnx"), onnx([floatTensor("w", [2], [1, 2])]));
  const { weights, path } = await openModel(folder);
  expect(path).toBe(join(folder, "net.onnx"));
  expect(await weights.read("w")).toEqual(Float32Array.of(1, 2));
});

const one = (value: number) => ({ shape: [1], data: [value] });

async function writeShards(index: unknown): Promise<string> {
  await writeFile(join(folder, "model-1.safetensors"), encodeSafetensors({ a: one(1), b: one(2) }, { format: "pt" }));
  await writeFile(join(folder, "model-2.safetensors"), encodeSafetensors({ c: one(3) }));
  const path = join(folder, "model.safetensors.index.json");
  await writeFile(path, typeof index === "string" ? index : JSON.stringify(index));
  return path;
}

it("a model in shards is opened by its index or its folder", async () => {
  const path = await writeShards({
    metadata: { total_size: 12 },
    weight_map: { a: "model-1.safetensors", b: "model-1.safetensors", c: "model-2.safetensors" },
  });
  await writeFile(join(folder, "config.json"), '{"num_attention_heads": 3}');
  for (const place of [path, folder]) {
    const { weights, config } = await openModel(place);
    expect(config).toEqual({ num_attention_heads: 3 });
    expect([...weights.tensors.keys()]).toEqual(["a", "b", "c"]);
    expect(weights.metadata).toEqual({ format: "pt" });
    expect([await weights.read("a"), await weights.read("c")]).toEqual([Float32Array.of(1), Float32Array.of(3)]);
    await expect(weights.read("d")).rejects.toThrow(/wanted one of its 3 tensors/);
  }
});

it.each([
  ["no JSON", "{", /wanted an index in JSON/],
  ["no map", { weight_map: [] }, /wanted an object weight_map/],
  ["a name twice", '{"weight_map": {"a": "model-1.safetensors", "a": "model-2.safetensors"}}', /the name "a" twice/],
  [
    "a path out of the folder",
    { weight_map: { a: "../model-1.safetensors" } },
    /wanted the name of a file beside the index for tensor "a", got "\.\.\/model-1/,
  ],
  ["an absolute path", { weight_map: { a: "/etc/passwd" } }, /wanted the name of a file beside the index/],
  [
    "a file that is not there",
    { weight_map: { a: "model-3.safetensors" } },
    /model-3\.safetensors: wanted a readable file, got ENOENT/,
  ],
  [
    "a tensor in the wrong file",
    { weight_map: { a: "model-2.safetensors" } },
    /wanted tensor "a" in model-2\.safetensors, got a file without it/,
  ],
])("an index with %s is refused", async (_, index, message) => {
  const path = await writeShards(index);
  await expect(openModel(path)).rejects.toThrow(message);
});

it("a folder without a model, and a broken configuration, are refused", async () => {
  await mkdir(join(folder, "empty"));
  await expect(openModel(join(folder, "empty"))).rejects.toThrow(
    /wanted model\.safetensors\.index\.json, model\.safetensors or one other file of weights in this folder, got none/,
  );
  await writeFile(join(folder, "empty", "a.pt"), "");
  await writeFile(join(folder, "empty", "b.pt"), "");
  await expect(openModel(join(folder, "empty"))).rejects.toThrow(/got 2 files\. Name the file itself/);
  await writeFile(join(folder, "model.safetensors"), encodeSafetensors({ a: one(1) }));
  await writeFile(join(folder, "config.json"), "[");
  await expect(openModel(folder)).rejects.toThrow(/config\.json: wanted JSON/);
});
