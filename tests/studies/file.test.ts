import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { readCorpus } from "../../src/studies/corpus/file.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "corpus-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(name: string, content: string) {
  await writeFile(join(folder, name), content);
  return readCorpus(join(folder, name));
}

describe("readCorpus", () => {
  it("reads CSV with quotes, line breaks, a byte-order mark and further columns", async () => {
    const { name, examples } = await read("good.csv", '\uFEFFid,text,label\n1,"a, ""b""\nc",spam\n\n2,d,ham\n');
    expect(name).toBe("good.csv");
    expect(examples).toEqual([{ text: 'a, "b"\nc', label: "spam" }, { text: "d", label: "ham" }]);
  });

  it("reads JSON Lines with numbers as labels", async () => {
    const { examples } = await read("good.jsonl", '{"text":"a","label":1}\n\n{"text":"b","label":"x"}\n');
    expect(examples).toEqual([{ text: "a", label: "1" }, { text: "b", label: "x" }]);
  });

  const bad: readonly [title: string, file: string, content: string, message: RegExp][] = [
    ["an unclosed quote", "a.csv", 'text,label\na,b\n"c,d\n', /a\.csv, line \d: wanted well-formed CSV/],
    ["a row with too many fields", "b.csv", "text,label\na,b\nc,d,e\n", /line 3: wanted well-formed CSV/],
    ["an empty text", "c.csv", 'text,label\n"two\nlines",x\n,y\n', /line 4: wanted a non-empty string in text/],
    ["an empty label", "d.csv", "text,label\na,\n", /line 2: wanted a label/],
    ["a missing column", "e.csv", "text,class\na,b\n", /line 1: wanted a column named label, got columns text, class/],
    ["no records", "f.csv", "text,label\n", /wanted at least one record/],
    ["a line that is not JSON", "g.jsonl", '{"text":"a","label":"b"}\n\noops\n', /g\.jsonl, line 3: wanted JSON/],
    ["a line that is no object", "h.jsonl", "[1]\n", /line 1: wanted an object/],
    ["a text that is no string", "i.jsonl", '{"text":5,"label":"b"}\n', /line 1: wanted a non-empty string in text, got 5/],
    ["a label that is null", "j.jsonl", '{"text":"a","label":null}\n', /line 1: wanted a label .*got null/],
    ["another kind of file", "k.txt", "a", /wanted a file named \.csv, \.jsonl or \.ndjson, got \.txt/],
  ];
  it.each(bad)("refuses %s", async (_, file, content, message) => {
    const error: unknown = await read(file, content).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(message);
  });

  it("refuses a file that is not there", async () => {
    await expect(readCorpus(join(folder, "absent.csv"))).rejects.toThrow(/wanted a readable file, got ENOENT/);
  });
});
