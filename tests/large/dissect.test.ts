import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { encodeHeader } from "../../src/weights/safetensors-header.js";
import { random } from "../../src/index.js";
import { layouts } from "../support/model-names.js";

const [WIDTH, LAYERS, VOCABULARY] = [768, 12, 78_000];
/** A gigabyte is the promise; a run takes 250 MiB, and the whole file at once would take 350 MB more. */
const MOST_KIB = 450 * 1024;

const shapes: readonly (readonly [name: string, rows: number])[] = [
  ["bert.embeddings.word_embeddings.weight", VOCABULARY],
  ...Array.from({ length: LAYERS }, (_, layer) =>
    Object.values(layouts.bert(layer)).map((name) => [`bert.${name}`, WIDTH] as const),
  ).flat(),
];
const bytesOf = (rows: number): number => 4 * rows * WIDTH;

function varint(value: number): Buffer {
  const bytes = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(128 + (value % 128));
  return Buffer.of(...bytes, value);
}

/** What stands before the numbers of each tensor in a format. */
const heads: Readonly<Record<string, () => readonly Uint8Array[]>> = {
  safetensors() {
    const entries = shapes.map(([name, rows]) => ({ name, dtype: "F32" as const, shape: [rows, WIDTH] }));
    return [encodeHeader(entries, { format: "pt" }), ...shapes.slice(1).map(() => new Uint8Array(0))];
  },
  onnx() {
    const tensors = shapes.map(([name, rows]) => {
      const extents = Buffer.concat([Buffer.of(8), varint(rows), Buffer.of(8), varint(WIDTH), Buffer.of(16, 1)]);
      const fields = [extents, Buffer.of(0x42), varint(name.length), Buffer.from(name), Buffer.of(0x4a)];
      const own = Buffer.concat([...fields, varint(bytesOf(rows))]);
      return Buffer.concat([Buffer.of(0x2a), varint(own.length + bytesOf(rows)), own]);
    });
    const size = tensors.reduce((sum, { length }, at) => sum + length + bytesOf(shapes[at][1]), 0);
    return [Buffer.concat([Buffer.of(8, 8, 0x3a), varint(size), tensors[0]]), ...tensors.slice(1)];
  },
};

/** A sparse file: random queries and keys, and nothing but holes in the rest. */
async function writeSparse(path: string, before: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, "w");
  const stream = random(1);
  let at = 0;
  for (const [index, [name, rows]] of shapes.entries()) {
    await file.write(before[index], 0, undefined, at);
    at += before[index].length;
    if (/query|key/.test(name)) {
      const numbers = Float32Array.from(stream.normals(rows * WIDTH, 0.02));
      await file.write(new Uint8Array(numbers.buffer), 0, undefined, at);
    }
    at += bytesOf(rows);
  }
  await file.truncate(at);
  await file.close();
}

it.each(Object.entries(heads))(
  "a model of more than 350 MB is analysed in little memory: %s",
  async (format, headsOf) => {
    const folder = await mkdtemp(join(tmpdir(), "large-"));
    try {
      const path = join(folder, `model.${format}`);
      await writeSparse(path, headsOf());
      expect((await stat(path)).size).toBeGreaterThan(350e6);
      const output = new PassThrough();
      output.resume();
      const start = performance.now();
      expect(
        await main(["analyze", "dissect", path, "--heads", "12", "--out", join(folder, "out")], {
          stdout: output,
          stderr: output,
        }),
      ).toBe(0);
      const { maxRSS } = process.resourceUsage();
      console.log(
        `${((performance.now() - start) / 1000).toFixed(0)} s, at most ${(maxRSS / 1024).toFixed(0)} MiB, of ` +
          "the test runner and what it loaded too",
      );
      expect(maxRSS).toBeLessThan(MOST_KIB);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  600_000,
);
