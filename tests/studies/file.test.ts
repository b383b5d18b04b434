import { execFileSync } from "node:child_process";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
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

async function read(name: string, content: string | Uint8Array) {
  await writeFile(join(folder, name), content);
  return readCorpus(join(folder, name));
}

describe("readCorpus", () => {
  it("reads CSV with quotes, line breaks, a byte-order mark and further columns", async () => {
    const { name, examples } = await read("good.csv", '\uFEFFid,text,label\n1,"a, ""b""\nc",spam\n\n2,d,ham\n');
    expect(name).toBe("good.csv");
    expect(examples).toEqual([
      { text: 'a, "b"\nc', label: "spam" },
      { text: "d", label: "ham" },
    ]);
  });

  it("reads JSON Lines with numbers as labels", async () => {
    const { examples } = await read("good.jsonl", '{"text":"a","label":1}\n\n{"text":"b","label":"x"}\n');
    expect(examples).toEqual([
      { text: "a", label: "1" },
      { text: "b", label: "x" },
    ]);
  });

  const bad: readonly [title: string, file: string, content: string, message: RegExp][] = [
    ["an unclosed quote", "a.csv", 'text,label\na,b\n"c,d\n', /a\.csv, line \d: wanted well-formed CSV/],
    ["a row with too many fields", "b.csv", "text,label\na,b\nc,d,e\n", /line 3: wanted well-formed CSV/],
    ["an empty text", "c.csv", 'text,label\n"two\nlines",x\n,y\n', /line 4: wanted a non-empty string in text/],
    ["an empty label", "d.csv", "text,label\na,\n", /line 2: wanted a label/],
    [
      "a missing column",
      "e.csv",
      "text,class\na,b\n",
      /line 1: wanted one column named label, got columns "text", "class"/,
    ],
    [
      "two columns of a name",
      "l.csv",
      "text,label,text\na,b,c\n",
      /line 1: wanted one column named text, got columns "text", "label", "text"/,
    ],
    ["a header alone, without a column", "m.csv", "text\n", /line 1: wanted one column named label/],
    [
      "control characters in column names, shown as escapes",
      "n.csv",
      "\u001b[31mtext,\u202elabel,\u009b1m\na,b,c\n",
      /^[^\p{Cc}\u202e]*"\\u001b\[31mtext", "\\u202elabel", "\\u009b1m"[^\p{Cc}]*$/u,
    ],
    [
      "thousands of columns, in a short message",
      "o.csv",
      `${"column,".repeat(9000)}x\n`,
      /^.{0,400} and 8993 more.{0,200}$/,
    ],
    ["a field of megabytes, in a short message", "p.csv", `text,label\n${"a".repeat(1e6)}"b",c\n`, /^.{0,600}$/],
    [
      "a key twice",
      "q.jsonl",
      '{"text":"a","label":"b","label":"c"}\n',
      /line 1: wanted JSON with keys that differ, got the name "label" twice/,
    ],
    ["no records", "f.csv", "text,label\n", /wanted at least one record/],
    ["a line that is not JSON", "g.jsonl", '{"text":"a","label":"b"}\n\noops\n', /g\.jsonl, line 3: wanted JSON/],
    ["a line that is no object", "h.jsonl", "[1]\n", /line 1: wanted an object/],
    [
      "a text that is no string",
      "i.jsonl",
      '{"text":5,"label":"b"}\n',
      /line 1: wanted a non-empty string in text, got 5/,
    ],
    ["a label that is null", "j.jsonl", '{"text":"a","label":null}\n', /line 1: wanted a label .*got null/],
    ["a text that is no table", "k.txt", "a", /k\.txt, line 1: wanted the columns of a CSV or TSV file.*got "a"/],
  ];
  it.each(bad)("refuses %s", async (_, file, content, message) => {
    const error: unknown = await read(file, content).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(message);
  });

  it("reads lines that end in different ways", async () => {
    const wanted = [
      { text: "a", label: "x" },
      { text: "b\r\nc", label: "y" },
      { text: "d", label: "x" },
    ];
    for (const [end, other] of [
      ["\r\n", "\n"],
      ["\n", "\r\n"],
      ["\n", "\n"],
      ["\r\n", "\r\n"],
    ]) {
      expect((await read("ends.csv", `text,label${end}a,x${other}"b\r\nc",y${end}d,x${other}`)).examples).toEqual(
        wanted,
      );
    }
    for (const end of ["\r", "\n", "\r\n"]) {
      const plain = [wanted[0], wanted[2]];
      expect((await read("ends.csv", ["text,label", "a,x", "d,x", ""].join(end))).examples).toEqual(plain);
      expect((await read("ends.jsonl", plain.map((record) => JSON.stringify(record)).join(end))).examples).toEqual(
        plain,
      );
    }
    await expect(read("ends.csv", 'text,label\r\na,x\n"b\nc",y\r\n,z\n')).rejects.toThrow(
      /line 5: wanted a non-empty string/,
    );
  });

  it("reads UTF-16 with a byte order mark", async () => {
    const text = Buffer.from("\uFEFFtext,label\nétude,a\n", "utf16le");
    const wanted = [{ text: "étude", label: "a" }];
    expect((await read("wide.csv", text)).examples).toEqual(wanted);
    expect((await read("wide.csv", Buffer.from(text).swap16())).examples).toEqual(wanted);
  });

  it("takes composed and decomposed labels for one", async () => {
    const { examples } = await read("labels.csv", "text,label\na,caf\u00e9\nb,cafe\u0301\n");
    expect(new Set(examples.map(({ label }) => label)).size).toBe(1);
  });

  const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
  const foreign: readonly [title: string, file: string, content: Uint8Array, message: RegExp][] = [
    [
      "Latin-1",
      "latin.csv",
      bytes('text,label\ngood,a\n"line\r\nCaf\xe9",b\n'),
      /latin\.csv, line 4: wanted UTF-8, got byte 0xe9, "é" in Latin-1\. Save the file as UTF-8, or convert it: iconv/,
    ],
    [
      "Latin-1 at the end of a file",
      "latin.jsonl",
      bytes('{"text":"a","label":"b"}\n{"text":"caf\xef\xbf'),
      /latin\.jsonl, line 2: wanted UTF-8/,
    ],
    [
      "UTF-16 without a mark",
      "wide.csv",
      Buffer.from("text,label\na,b\n", "utf16le"),
      /line 1: wanted a text, got a byte 0/,
    ],
    [
      "half a UTF-16 character",
      "odd.csv",
      Buffer.concat([Buffer.from("\uFEFFtext,label\na,b\n", "utf16le"), Buffer.of(0x61)]),
      /wanted UTF-16LE/,
    ],
    [
      "a Git LFS pointer",
      "pointer.csv",
      bytes("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
      /wanted a text, got a Git LFS pointer\. .*git lfs pull/,
    ],
    ["an HTML page", "page.csv", bytes("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"), /got an HTML page/],
    [
      "an Excel workbook",
      "sheet.csv",
      bytes("PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml"),
      /got an Excel workbook .*Export it as a text in UTF-8/,
    ],
    ["a Parquet table", "table.jsonl", bytes("PAR1\x15\x04\x15\xff"), /got a Parquet table/],
  ];
  it.each(foreign)("refuses %s", async (_, file, content, message) => {
    const error: unknown = await read(file, content).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(message);
  });

  it("reads a text that begins like another kind of file", async () => {
    expect((await read("gguf.csv", "GGUF,text,label\n1,a,b\n")).examples).toEqual([{ text: "a", label: "b" }]);
  });

  it.skipIf(process.platform === "win32")("refuses pipes, empty folders and devices at once", async () => {
    const pipe = join(folder, "pipe.csv");
    execFileSync("mkfifo", [pipe]);
    await expect(readCorpus(pipe)).rejects.toThrow(/pipe\.csv: wanted a file, got a named pipe \(FIFO\)/);
    execFileSync("mkdir", [join(folder, "folder.jsonl")]);
    await expect(readCorpus(join(folder, "folder.jsonl"))).rejects.toThrow(/folder\.jsonl: wanted IDX files/);
    execFileSync("ln", ["-s", "/dev/zero", join(folder, "device.csv")]);
    await expect(readCorpus(join(folder, "device.csv"))).rejects.toThrow(/wanted a file, got a device/);
  });

  it("refuses a pipe among the texts of a class at once", async () => {
    execFileSync("mkdir", ["-p", join(folder, "classes", "a")]);
    execFileSync("mkfifo", [join(folder, "classes", "a", "pipe.txt")]);
    await expect(readCorpus(join(folder, "classes"))).rejects.toThrow(/pipe\.txt: wanted a file, got a named pipe/);
  });

  it("refuses a line that is too long to decode", async () => {
    await writeFile(join(folder, "huge.csv"), "text,label\n");
    await truncate(join(folder, "huge.csv"), 2 ** 30);
    await expect(readCorpus(join(folder, "huge.csv"))).rejects.toThrow(
      /huge\.csv, line 2: wanted lines of at most 67108864 bytes that end with a line feed, got a longer one/,
    );
  });

  it("refuses a file in UTF-16 that is longer than a string may be", async () => {
    const path = join(folder, "wide.csv");
    await writeFile(path, Buffer.from("\uFEFFtext,label\n", "utf16le"));
    await truncate(path, 2 ** 30);
    await expect(readCorpus(path)).rejects.toThrow(/wide\.csv: wanted at most 500000000 bytes of text, got 1073741824/);
    await rm(path);
  });

  it("refuses a missing file", async () => {
    await expect(readCorpus(join(folder, "absent.csv"))).rejects.toThrow(/wanted a readable file, got ENOENT/);
  });
});

describe("readCorpus of files that are read in pieces", () => {
  const records = Array.from({ length: 40 }, (_, index) => ({
    text: index % 3 === 0 ? `a "${index}"\nß, 字` : `b ${index}`,
    label: `l${index % 2}`,
  }));
  const rows = records.map(({ text, label }) => `"${text.replaceAll('"', '""')}",${label}\n`);
  const csv = `\uFEFFtext,label\n${rows.join("")}`;
  const lines = records.map((record) => `${JSON.stringify(record)}\r\n`).join("");
  const path = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };

  it("is independent of where the pieces end", async () => {
    const [table, json] = [await path("pieces.csv", csv), await path("pieces.jsonl", lines)];
    for (const piece of [64, 65, 67, 100, 1000, undefined]) {
      expect((await readCorpus(table, { piece })).examples, `pieces of ${piece}`).toEqual(records);
      expect((await readCorpus(json, { piece })).examples, `pieces of ${piece}`).toEqual(records);
    }
  });

  it("names the line of a fault in a later piece", async () => {
    const faults: readonly [string, string | Uint8Array, RegExp][] = [
      ["fault.jsonl", `${lines}oops\n${lines}`, /line 41: wanted JSON/],
      ["fault.csv", `${csv}a,b,c\n${csv}`, /line 56: wanted well-formed CSV/],
      ["empty.csv", `${csv},x\n${csv}`, /line 56: wanted a non-empty string in text/],
      ["latin.csv", Buffer.concat([Buffer.from(csv), Buffer.from("caf\xe9,x\n", "latin1")]), /line 56: wanted UTF-8/],
      ["zero.csv", `${csv}a\0,x\n${csv}`, /line 56: wanted a text, got a byte 0/],
      ["long.csv", `${csv}${"a".repeat(200)},x\n`, /line 56: wanted lines of at most 100 bytes/],
    ];
    for (const [name, content, message] of faults)
      await expect(readCorpus(await path(name, content), { piece: 100 })).rejects.toThrow(message);
  });

  it("keeps at least one of a few texts of which none fits", async () => {
    const file = await path("few.jsonl", records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    const { length } = (await readCorpus(file, { characters: 1 })).examples;
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(5);
    execFileSync("mkdir", ["-p", join(folder, "both", "x"), join(folder, "both", "y")]);
    for (let index = 0; index < 8; index++) await path(`both/${"xy"[index % 2]}/${index}.txt`, `text ${index}`);
    expect((await readCorpus(join(folder, "both"))).examples).toHaveLength(8);
    const sampled = await readCorpus(join(folder, "both"), { characters: 500 });
    expect(sampled.name).toBe(`both (${sampled.examples.length} of its 8 texts, drawn at random)`);
  });

  it("keeps a sample of texts that do not fit, in their order and the same every time", async () => {
    const many = Array.from({ length: 4000 }, (_, index) => ({ text: String(10_000 + index), label: "x" }));
    const file = await path("many.jsonl", many.map((record) => `${JSON.stringify(record)}\n`).join(""));
    const { name, examples } = await readCorpus(file, { piece: 1024, characters: 105_000 });
    expect(name).toBe(`many.jsonl (${examples.length} of its 4000 texts, drawn at random)`);
    expect(examples.length).toBeGreaterThan(300);
    expect(examples.length).toBeLessThanOrEqual(1000);
    const kept = examples.map(({ text }) => Number(text) - 10_000);
    expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
    // a uniform sample of n texts has a mean within 4 standard errors of the middle
    const mean = kept.reduce((sum, index) => sum + index) / kept.length;
    expect(Math.abs(mean - 1999.5)).toBeLessThan((4 * 4000) / Math.sqrt(12 * kept.length));
    expect((await readCorpus(file, { characters: 105_000 })).examples).toEqual(examples);
  });
});
