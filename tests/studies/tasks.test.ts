import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Snapshot } from "../../src/studies/runner/snapshot.js";
import { chooseTasks, putAside, taskKeeper, withNeeded, type TaskOptions } from "../../src/studies/runner/tasks.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "tasks-"));
});
afterEach(() => rm(out, { recursive: true }));

interface State {
  readonly step: number;
  readonly weights: { readonly a: Snapshot; readonly b: readonly Snapshot[] };
}

/** Numbers that rounding, text or another type would change. */
const stateAt = (step: number): State => ({
  step,
  weights: {
    a: { shape: [2, 2], data: Float64Array.of(step, -0, 1 / 3, Number.MIN_VALUE) },
    b: [{ shape: [3], data: Float32Array.of(step, -0, 1e-45) }],
  },
});

const noted: string[] = [];
const note = (text: string): void => void noted.push(text);
const keeper = (options: TaskOptions = {}, common: unknown = "v1") => {
  noted.length = 0;
  return taskKeeper({ out, common, note }, options);
};
const files = async (): Promise<string[]> => (await readdir(join(out, "tasks"))).sort();
const path = (name: string): string => join(out, "tasks", name);
/** A task that stores two states and is then interrupted. */
const cutOff = async (): Promise<void> => {
  const work = async (kept: { store(state: State): Promise<void> }): Promise<never> => {
    await kept.store(stateAt(1));
    await kept.store(stateAt(2));
    throw new Error("killed");
  };
  await expect(keeper().keep({ name: "gaussian seed 3", depends: { width: 8 } }, work)).rejects.toThrow("killed");
};
/** The state that a task starts from. */
const start = () =>
  keeper().keep({ name: "gaussian seed 3", depends: { width: 8 } }, (kept: { readonly state: State | undefined }) =>
    Promise.resolve([kept.state]),
  );

describe("a task", () => {
  it("resumes from the last stored state, bit for bit", async () => {
    await cutOff();
    expect(await files()).toEqual([
      "gaussian-seed-3.a.safetensors",
      "gaussian-seed-3.b.safetensors",
      "gaussian-seed-3.json",
    ]);
    const [state] = (await start())!;
    expect(state).toEqual(stateAt(2));
    expect(Object.is(state!.weights.a.data[1], -0)).toBe(true);
  });

  it("keeps its result, NaN, infinities and -0 included, and nothing else", async () => {
    await cutOff();
    const result = { values: [Number.NaN, Infinity, -Infinity, -0, 0.1], name: "x" };
    const task = { name: "gaussian seed 3", depends: { width: 8 } };
    await keeper().keep(task, () => Promise.resolve(result));
    expect(await files()).toEqual(["gaussian-seed-3.json"]);
    const again = await keeper().keep(task, (): Promise<typeof result> => Promise.reject(new Error("done twice")));
    expect(again).toEqual(result);
    expect(Object.is(again!.values[3], -0)).toBe(true);
  });

  it(
    "starts anew, with a note, if what decides its result has changed, but not if only the order of names " + "has",
    async () => {
      const setting = { width: 8, data: Float64Array.of(1, 2) };
      const task = { name: "a", depends: setting };
      await keeper().keep(task, () => Promise.resolve(1));
      const again = (depends: unknown, common?: unknown) =>
        keeper({}, common).keep({ name: "a", depends }, () => Promise.resolve(2));
      expect(await again({ data: Float64Array.of(1, 2), width: 8 })).toBe(1);
      expect(noted).toEqual([]);
      expect(await again({ ...setting, data: Float64Array.of(1, 3) })).toBe(2);
      expect(noted).toEqual(["a: what was kept has other settings, so it starts anew"]);
      await keeper().keep(task, () => Promise.resolve(1));
      expect(await again(setting, "v2")).toBe(2);
    },
  );

  it("starts anew if the tasks of an earlier run are put aside", async () => {
    await cutOff();
    await putAside(out, note);
    expect(noted.join()).toMatch(/put aside in .*tasks\.before; .*move them back to .*tasks and give --resume/);
    expect(await readdir(join(out, "tasks.before"))).toHaveLength(3);
    expect(await start()).toEqual([undefined]);
  });

  it.each([
    ["cut off", () => truncate(path("gaussian-seed-3.b.safetensors"), 100)],
    ["empty", () => truncate(path("gaussian-seed-3.b.safetensors"), 0)],
    ["gone", () => rm(path("gaussian-seed-3.b.safetensors"))],
    ["of something else", () => writeFile(path("gaussian-seed-3.b.safetensors"), "GIF89a, not weights")],
    ["beside a record cut off", () => truncate(path("gaussian-seed-3.json"), 30)],
    ["beside a foreign record", () => writeFile(path("gaussian-seed-3.json"), '{"name":"something else"}')],
    ["beside an empty record", () => writeFile(path("gaussian-seed-3.json"), "")],
  ])("starts anew, with a note, when its weights are %s", async (_, damage) => {
    await cutOff();
    await damage();
    expect(await start()).toEqual([undefined]);
    expect(noted).toEqual(["gaussian seed 3: what was kept is damaged, so it starts anew"]);
  });

  it("never writes the weights that its record names", async () => {
    await cutOff();
    const record = JSON.parse(await readFile(path("gaussian-seed-3.json"), "utf8")) as { weights: string };
    const before = await readFile(path(record.weights));
    await expect(
      keeper().keep(
        { name: "gaussian seed 3", depends: { width: 8 } },
        async (kept: { store(state: State): Promise<void> }) => {
          await rm(path("gaussian-seed-3.json"));
          await kept.store(stateAt(3));
          throw new Error("killed");
        },
      ),
    ).rejects.toThrow("killed");
    expect(await readFile(path(record.weights))).toEqual(before);
  });

  it("throws before its work if the folder cannot be read", async () => {
    await writeFile(join(out, "file"), "");
    const outside = taskKeeper({ out: join(out, "file"), common: 0, note });
    await expect(outside.keep({ name: "a", depends: 0 }, () => Promise.reject(new Error("worked")))).rejects.toThrow(
      /a\.json: wanted a file to read, or none, got ENOTDIR/,
    );
  });

  it("stores when the interval is over", async () => {
    const dueAfter = (interval: number) =>
      keeper({ interval }).keep({ name: `after ${interval}`, depends: 0 }, (kept) => Promise.resolve(kept.isDue()));
    expect(await dueAfter(0)).toBe(true);
    expect(await dueAfter(1000)).toBe(false);
  });
});

describe("a choice of tasks", () => {
  const names = ["softmax seed 1", "gaussian seed 1", "gaussianNormalized seed 1", "softmax seed 10"];
  const chosen = (options: TaskOptions): string[] =>
    chooseTasks(
      names.map((name) => ({ name })),
      options,
    ).map(({ name }) => name);

  it("is by whole words of the names", () => {
    expect(chosen({ only: ["gaussian"] })).toEqual(["gaussian seed 1"]);
    expect(chosen({ only: ["seed 1"] })).toEqual(names.slice(0, 3));
    expect(chosen({ only: ["gaussianNormalized", "seed 10"] })).toEqual(names.slice(2));
  });

  it("deals every task to one shard", () => {
    expect(chosen({ shard: { index: 1, count: 3 } })).toEqual([names[0], names[3]]);
    const all = [];
    for (const index of [1, 2, 3]) all.push(...chosen({ shard: { index, count: 3 } }));
    expect(all.sort()).toEqual([...names].sort());
    expect(chosen({ only: ["seed 1"], shard: { index: 3, count: 3 } })).toEqual([names[2]]);
  });

  it("brings what the chosen need, and what that needs, in the order of all", () => {
    const task = (name: string, ...needs: string[]) => ({ name, needs });
    const all = [task("a"), task("b"), task("c", "a"), task("d", "c", "a"), task("e", "b")];
    expect(withNeeded(all, [all[3]]).map(({ name }) => name)).toEqual(["a", "c", "d"]);
    expect(withNeeded(all, all)).toEqual(all);
  });

  it("refuses words that are in no name, and two tasks of one file", () => {
    expect(() => chosen({ only: ["softmax", "gauss"] })).toThrow(
      /--only: wanted words of the name of a run, such as "softmax seed 1": softmax, seed, 1, gaussian, .*got gauss/,
    );
    expect(() => chooseTasks([{ name: "a b" }, { name: "a-b" }], {})).toThrow(/a name that no other task has, got a-b/);
  });
});
