import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DataError, encodeSafetensors, openSafetensors } from "../../src/index.js";
import { writeAtomically } from "../../src/studies/results.js";
import { fileSource } from "../../src/studies/weights/file.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weights-"));
});
afterEach(() => rm(folder, { recursive: true }));

it("a file is written whole and read in parts", async () => {
  await writeAtomically(folder, "a.safetensors", encodeSafetensors({ x: { shape: [3], data: [1, 2, 3] }, y: { shape: [1], data: [4], dtype: "F16" } }));
  const { read } = await openSafetensors(await fileSource(join(folder, "a.safetensors")));
  expect(await read("x")).toEqual(Float32Array.of(1, 2, 3));
  expect(await read("y")).toEqual(Float32Array.of(4));
});

it("files that are not there, are folders, or shrink are refused with their path", async () => {
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
