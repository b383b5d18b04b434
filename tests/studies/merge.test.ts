import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cpu } from "../../src/cpu/cpu.js";
import { mergeShards } from "../../src/studies/runner/merge.js";
import { conduct, type ConductOptions } from "../../src/studies/runner/conduct.js";
import { whole } from "../../src/studies/runner/options.js";
import { declareStudy, type Study, type Task } from "../../src/studies/runner/study.js";

/** Two kernels over some seeds: the products of seed and steps. */
const toy = declareStudy({
  name: "toy",
  question: "?",
  title: "Toy",
  options: { seeds: whole(2, { least: 1, most: 9 }), steps: whole(5, { least: 1, most: 999 }) },
  tasks: ({ seeds, steps }) =>
    ["softmax", "gaussian"].flatMap((kernel) =>
      Array.from({ length: seeds }, (_, index): Task<unknown, string> => ({
        name: `${kernel} seed ${index + 1}`,
        depends: () => ({ steps }),
        run: () => Promise.resolve(`${kernel} ${(index + 1) * steps}`),
      })),
    ),
  gather: (products: readonly string[]) => ({ products }),
  report: () => ({ answer: "", blocks: [] }),
});
const studies = [toy] as unknown as readonly Study[];

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "merge-"));
});
afterEach(() => rm(out, { recursive: true }));

const shards = [1, 2];
const folders = (): string[] => shards.map((index) => join(out, `shard-${index}-of-2`));
const run = (
  index: number,
  sizes: { readonly seeds: number; readonly steps: number },
  own: Partial<ConductOptions> = {},
) =>
  conduct(toy, sizes, {
    ...own,
    backend: cpu,
    seed: 1,
    out: folders()[index - 1],
    command: "test",
    shard: { index, count: 2 },
    resume: true,
  });

it("takes the finished result of a task although another shard kept an older one of the same name", async () => {
  for (const index of shards) await run(index, { seeds: 3, steps: 100 });
  for (const index of shards) await run(index, { seeds: 4, steps: 200 });
  const tasks = await Promise.all(folders().map((folder) => readdir(join(folder, "tasks"))));
  const twice = tasks[0].filter((name) => tasks[1].includes(name));
  expect(twice).toContain("gaussian-seed-1.json"); // the case under test
  for (const order of [folders(), folders().reverse()]) {
    const target = join(out, "whole");
    const { results } = await mergeShards(order, studies, { out: target });
    expect(results).toMatchObject({
      partial: false,
      measurements: {
        products: ["softmax", "gaussian"].flatMap((kernel) =>
          [200, 400, 600, 800].map((product) => `${kernel} ${product}`),
        ),
      },
    });
    expect(JSON.parse(await readFile(join(target, "tasks", "gaussian-seed-1.json"), "utf8"))).toMatchObject({
      finished: true,
      content: "gaussian 200",
    });
    await rm(target, { recursive: true });
  }
});

it("takes the tasks of an earlier merge into the folder, and names those that no shard has finished", async () => {
  await run(1, { seeds: 2, steps: 5 });
  await expect(mergeShards([folders()[0]], studies, { out: join(out, "whole") })).rejects.toThrow(
    /finished results of all 4 tasks, by this version, got 2 missing: softmax seed 2, gaussian seed 2/,
  );
  await run(2, { seeds: 2, steps: 5 });
  const { results } = await mergeShards([folders()[1]], studies, { out: join(out, "whole") });
  expect(results).toMatchObject({
    partial: false,
    measurements: { products: ["softmax 5", "softmax 10", "gaussian 5", "gaussian 10"] },
  });
});

describe("versions", () => {
  const old = { node: "v18.1.2", "ml-matrix": "6.0.0", webgpu: "0.4.0", platform: "elsewhere" };

  it("of the shards are those of the whole, whatever joins them", async () => {
    for (const index of shards) await run(index, { seeds: 2, steps: 5 }, { versions: old });
    const { results } = await mergeShards(folders(), studies, { out: join(out, "whole") });
    expect(results).toMatchObject({ partial: false, versions: old });
  });

  it("must be the same in all shards, as far as they decide numbers", async () => {
    for (const index of shards)
      await run(
        index,
        { seeds: 2, steps: 5 },
        { versions: { ...old, ...(index === 1 ? { webgpu: "0.5.0", node: "v18.9.9" } : {}) } },
      );
    await mergeShards(folders(), studies, { out: join(out, "whole") });
    const path = join(folders()[1], "results.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("6.0.0", "6.0.1"));
    await expect(mergeShards(folders(), studies, { out: join(out, "other") })).rejects.toThrow(
      new RegExp(
        String.raw`shard-2-of-2: wanted the versions of .*shard-1-of-2, ml-matrix "6\.0\.0", ` +
          String.raw`got ml-matrix "6\.0\.1"\. Run the shards .* same options and versions`,
      ),
    );
  });
});
