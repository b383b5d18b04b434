import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { random, type Random } from "../../src/core/random.js";
import { cpu } from "../../src/cpu/cpu.js";
import { text } from "../../src/studies/text/study.js";
import { conduct, type ConductOptions } from "../../src/studies/runner/conduct.js";
import { readTask } from "../../src/studies/runner/task-file.js";
import { tinyCorpus } from "../support/corpus.js";
import { timelessResults } from "../support/processes.js";
import { optionsOf } from "../support/study.js";

const FINISHED = "softmax seed 1";
const STOPPED = "gaussian seed 1";

let folder = "";
let configuration = optionsOf(text);
let whole: Record<string, unknown>;
const stored = (): string => join(folder, "stored");

/** Runs the study in a folder below `folder`; returns its notes about stored tasks. */
async function run(out: string, own: Partial<ConductOptions> = {}): Promise<string[]> {
  const notes: string[] = [];
  await conduct(text, configuration, {
    backend: cpu,
    seed: 1,
    command: "test",
    out: join(folder, out),
    ...own,
    report: (event) => {
      own.report?.(event);
      if (event.kind === "note" && event.text.includes("kept")) notes.push(event.text);
    },
  });
  return notes;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damage-"));
  configuration = {
    ...configuration,
    data: await tinyCorpus(folder),
    kernels: ["softmax", "gaussian"],
    seeds: 1,
    rates: [0.01],
    tokens: 8,
    train: 24,
    test: 12,
    width: 4,
    hidden: 4,
    layers: 1,
    batch: 8,
    epochs: 3,
  };
  await run("whole");
  whole = await timelessResults(join(folder, "whole"));
  const controller = new AbortController();
  // the first training is finished, the second has stored its first epoch
  await run("stored", {
    signal: controller.signal,
    report: (event) =>
      event.kind === "progress" && event.label.startsWith("gaussian") && event.done === 4 && controller.abort(),
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** Ways in which files are damaged. */
const damages: Readonly<Record<string, (bytes: Buffer, stream: Random) => Buffer>> = {
  "a bit is turned": (bytes, stream) => {
    bytes[stream.integer(bytes.length)] ^= 1 << stream.integer(8);
    return bytes;
  },
  "a digit is another": (bytes, stream) => {
    const digits = [...bytes.keys()].filter((place) => bytes[place] >= 0x30 && bytes[place] <= 0x39);
    const place = digits[stream.integer(digits.length)];
    bytes[place] = 0x30 + ((bytes[place] - 0x30 + 1 + stream.integer(9)) % 10);
    return bytes;
  },
  "the end is cut off": (bytes, stream) => bytes.subarray(0, stream.integer(bytes.length)),
  "a piece is gone": (bytes, stream) => {
    const start = stream.integer(bytes.length);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + stream.integer(40))]);
  },
  "a piece is there twice": (bytes, stream) => {
    const start = stream.integer(bytes.length);
    return Buffer.concat([bytes.subarray(0, start + 1), bytes.subarray(start)]);
  },
  "zeros stand in a block": (bytes, stream) => {
    const start = stream.integer(bytes.length - 16);
    return Buffer.concat([bytes.subarray(0, start), Buffer.alloc(16), bytes.subarray(start + 16)]);
  },
};

/** Changes of a record's fields, each written as JSON again. */
const changes: Readonly<Record<string, (record: Record<string, unknown>) => unknown>> = {
  "its content is empty": (record) => ({ ...record, content: {} }),
  "its content is null": (record) => ({ ...record, content: null }),
  "it has no content": ({ content: _, ...record }) => record,
  "it has no fingerprint": ({ fingerprint: _, ...record }) => record,
  "it is finished or is not": (record) => ({ ...record, finished: record["finished"] !== true }),
  "its seconds are others": (record) => ({ ...record, seconds: 1e9 }),
  "it has no checksum": ({ sum: _, ...record }) => record,
  "its checksum is another's": (record) => ({ ...record, sum: "0".repeat(64) }),
  "its checksum is none": (record) => ({ ...record, sum: null }),
  "its weights are elsewhere": (record) => ({ ...record, weights: "../../whole/results.json" }),
  "it has no weights": ({ weights: _, ...record }) => record,
  "its fields are in another order": ({ fingerprint, ...record }) => ({ ...record, fingerprint }),
  "it is a list": (record) => [record],
  "it is null": () => null,
};

const files = async (): Promise<string[]> => (await readdir(join(stored(), "tasks"))).sort();
const taskOf = (file: string): string => (file.startsWith("softmax") ? FINISHED : STOPPED);

describe("a damaged file of a task", () => {
  it("belongs to a finished training, or is the record or the weights of a stopped one", async () => {
    expect(await files()).toEqual([
      "gaussian-seed-1.a.safetensors",
      "gaussian-seed-1.b.safetensors",
      "gaussian-seed-1.json",
      "softmax-seed-1.json",
    ]);
    for (const name of [FINISHED, STOPPED])
      expect(await readTask(join(stored(), "tasks"), name)).toMatchObject({ finished: name === FINISHED });
  });

  /** The files whose damage counts: all but the weights of the store before the last. */
  const readFiles = async (): Promise<[string, Buffer][]> => {
    const { weights } = (await readTask(join(stored(), "tasks"), STOPPED)) as { weights: string };
    const names = (await files()).filter((name) => name.endsWith(".json") || name === weights);
    return Promise.all(names.map(async (name) => [name, await readFile(join(stored(), "tasks", name))]));
  };

  it.each(Object.keys(damages))("is never read: %s", async (way) => {
    const stream = random(22);
    const tasks = join(folder, "read");
    await cp(join(stored(), "tasks"), tasks, { recursive: true });
    for (const [name, bytes] of await readFiles()) {
      for (let turn = 0; turn < 20; turn++) {
        const damaged = damages[way](Buffer.from(bytes), stream);
        if (damaged.equals(bytes)) continue; // zeros over zeros
        await writeFile(join(tasks, name), damaged);
        expect(await readTask(tasks, taskOf(name)), `${way}, turn ${turn} of ${name}`).toBe("damaged");
      }
      await writeFile(join(tasks, name), bytes);
      expect(await readTask(tasks, taskOf(name))).toMatchObject({ seconds: expect.any(Number) as number });
    }
    await rm(tasks, { recursive: true });
  });

  it.each(Object.keys(changes))("is never read: %s", async (way) => {
    const tasks = join(folder, "read");
    await cp(join(stored(), "tasks"), tasks, { recursive: true });
    for (const name of (await files()).filter((file) => file.endsWith(".json"))) {
      const bytes = await readFile(join(stored(), "tasks", name), "utf8");
      const changed = JSON.stringify(changes[way](JSON.parse(bytes) as Record<string, unknown>));
      if (changed === bytes) continue; // nothing to remove
      await writeFile(join(tasks, name), changed);
      expect(await readTask(tasks, taskOf(name)), name).toBe("damaged");
    }
    await rm(tasks, { recursive: true });
  });

  it("is reported and computed anew, and the results are those of an undamaged run", async () => {
    const untouched = join(folder, "untouched");
    await cp(stored(), untouched, { recursive: true });
    expect(await run("untouched", { resume: true })).toEqual([]);
    expect(await timelessResults(untouched)).toEqual(whole);
    const stream = random(7);
    const ways = Object.values(damages);
    for (const [index, [name, bytes]] of (await readFiles()).entries()) {
      const out = `resumed-${index}`;
      await cp(stored(), join(folder, out), { recursive: true });
      await writeFile(join(folder, out, "tasks", name), ways[index](Buffer.from(bytes), stream));
      expect(await run(out, { resume: true }), name).toEqual([
        `${taskOf(name)}: what was kept is damaged, so it starts anew`,
      ]);
      expect(await timelessResults(join(folder, out))).toEqual(whole);
    }
    // weights without the record that names them, and a folder in the place of a file
    for (const [out, put] of [
      ["lost", undefined],
      ["folder", "gaussian-seed-1.a.safetensors"],
    ] as const) {
      const tasks = join(folder, out, "tasks");
      await cp(stored(), join(folder, out), { recursive: true });
      if (put === undefined) await rm(join(tasks, "gaussian-seed-1.json"));
      else
        for (const turn of ["a", "b"]) {
          await rm(join(tasks, `gaussian-seed-1.${turn}.safetensors`), { force: true });
          await cp(join(folder, "whole"), join(tasks, `gaussian-seed-1.${turn}.safetensors`), { recursive: true });
        }
      expect(await run(out, { resume: true })).toEqual([`${STOPPED}: what was kept is damaged, so it starts anew`]);
      expect(await timelessResults(join(folder, out))).toEqual(whole);
    }
  });
});
