import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { prepareDataset } from "../../src/studies/corpus/dataset.js";
import { readCorpus } from "../../src/studies/corpus/file.js";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "formats-"));
});
afterAll(() => rm(root, { recursive: true }));

type Files = Readonly<Record<string, string | Uint8Array>>;

/** Writes files below a folder of their own; gives the folder. */
async function folderOf(files: Files): Promise<string> {
  const folder = await mkdtemp(join(root, "f-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

const readIn = async (files: Files, name = "") => readCorpus(join(await folderOf(files), name));
const levels = (text: string): number[] => [...Buffer.from(text, "latin1")];

const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const idx = (shape: readonly number[], values: readonly number[]): Buffer =>
  Buffer.from([0, 0, 8, shape.length, ...shape.flatMap(word), ...values]);
const [images, labels] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
const pair = { [images]: idx([2, 1, 2], [1, 2, 3, 200]), [labels]: idx([2], [7, 0]) };
const png = (width: number, height: number, data: readonly number[], channels: 1 | 3): Uint8Array =>
  encode({ width, height, data: Uint8Array.from(data), channels });
const picture = (label: readonly number[], red: number, green: number, blue: number): number[] => [
  ...label,
  ...[red, green, blue].flatMap((level) => Array<number>(1024).fill(level)),
];

describe("readCorpus, tables", () => {
  it("reads the TSV of SST, with quotes as characters", async () => {
    const { examples } = await readIn({ "dev.tsv": 'sentence\tlabel\na "fine, film\t1\nbad\t0\n' }, "dev.tsv");
    expect(examples).toEqual([
      { text: 'a "fine, film', label: "1" },
      { text: "bad", label: "0" },
    ]);
  });

  it("reads the TSV of Long Range Arena", async () => {
    const { examples } = await readIn({ "basic.tsv": "Source\tTarget\n[MAX 2 9 ]\t9\n" }, "basic.tsv");
    expect(examples).toEqual([{ text: "[MAX 2 9 ]", label: "9" }]);
  });

  it.each([
    ["text,label\na,b\n", "a"],
    ["label\ttext\nb\ta,c\n", "a,c"],
    ['{"text":"a","label":"b"}\n', "a"],
  ])("recognises a table by its first line: %j", async (content, text) => {
    expect((await readIn({ data: content }, "data")).examples).toEqual([{ text, label: "b" }]);
  });
});

describe("readCorpus, folders of texts", () => {
  it("takes the names of the folders for classes", async () => {
    const { examples } = await readIn({ "ham/1.txt": "hello", "spam/2.txt": "buy", ".git/x": "no", "readme.md": "no" });
    expect(examples).toEqual([
      { text: "hello", label: "ham" },
      { text: "buy", label: "spam" },
    ]);
  });

  it("reads IMDb as it is distributed: both parts, without the texts that have no label", async () => {
    const files = {
      "train/pos/0_9.txt": "good",
      "train/neg/0_2.txt": "bad",
      "train/unsup/0_0.txt": "unknown",
      "train/labeledBow.feat": "9 0:1",
      "test/pos/0_10.txt": "fine",
    };
    expect((await readIn(files)).examples.map(({ text, label }) => `${text} ${label}`)).toEqual([
      "fine pos",
      "bad neg",
      "good pos",
    ]);
  });
});

describe("readCorpus, pictures", () => {
  it.each([
    ["a folder", ""],
    ["the file of the pictures", images],
  ])("reads IDX from %s", async (_, name) => {
    const { examples } = await readIn(pair, name);
    expect(examples.map(({ text, label }) => [label, ...levels(text)])).toEqual([
      ["7", 1, 2],
      ["0", 3, 200],
    ]);
  });

  it("reads IDX in gzip archives", async () => {
    const packed = Object.fromEntries(Object.entries(pair).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]));
    expect((await readIn(packed, `${images}.gz`)).examples).toHaveLength(2);
  });

  it.each([
    ["CIFAR-10", [3], "3"],
    ["CIFAR-100", [1, 99], "99"],
  ])("reads a batch of %s in grey levels", async (_, label, wanted) => {
    const { examples } = await readIn({ "batch.bin": Uint8Array.from(picture(label, 100, 50, 200)) }, "batch.bin");
    expect(examples.map((example) => example.label)).toEqual([wanted]);
    expect(new Set(levels(examples[0].text))).toEqual(new Set([Math.round(29.9 + 29.35 + 22.8)]));
    expect(examples[0].text).toHaveLength(1024);
  });

  it("reads a folder of PNGs for each class, grey or in colour", async () => {
    const { examples } = await readIn({
      "cat/a.png": png(2, 1, [5, 250], 1),
      "dog/b.png": png(2, 1, [255, 0, 0, 0, 255, 0], 3),
    });
    expect(examples.map(({ text, label }) => [label, ...levels(text)])).toEqual([
      ["cat", 5, 250],
      ["dog", 76, 150],
    ]);
  });

  it.each(["words", "bytes"] as const)("makes every pixel a token, as %s", async (unit) => {
    const count = 32;
    const values = Array.from({ length: count }, (_, index) => [128 + (index % 4), 200 + Math.floor(index / 4)]);
    const corpus = await readIn({
      [images]: idx([count, 1, 2], values.flat()),
      [labels]: idx(
        [count],
        values.map(([level]) => level % 2),
      ),
    });
    const options = { seed: 1, unit, tokens: 2, train: 24, test: 8, vocabulary: 300 };
    const { train, classes } = prepareDataset(corpus, options);
    expect([train.count, train.tokens, classes.length]).toEqual([24, 2, 2]);
    // four levels of the first and eight of the second pixel, of which rare ones may have no id of their own
    expect(new Set(train.ids).size).toBeGreaterThan(8);
  });
});

describe("readCorpus refuses", () => {
  const half = png(2, 1, [5, 250], 1);
  /** A PNG whose header promises more pixels than fit any memory. */
  const huge = Buffer.concat([half.subarray(0, 16), Buffer.from(word(0x7fffffff)), half.subarray(20)]);
  const cases: readonly [title: string, files: Files, name: string, message: RegExp][] = [
    ["columns of other names", { "a.tsv": "a\tb\n1\t2\n" }, "a.tsv", /a\.tsv, line 1: wanted one column named text/],
    ["a short row", { "a.tsv": "text\tlabel\nx\ty\nz\n" }, "a.tsv", /a\.tsv, line 3: wanted well-formed TSV/],
    ["an empty text", { "a/1.txt": "x", "a/2.txt": " \n" }, "", /a\/2\.txt: wanted a text, got an empty file/],
    ["Latin-1 in a folder", { "a/1.txt": Uint8Array.of(65, 10, 0xe9) }, "", /a\/1\.txt, line 2: wanted UTF-8/],
    ["an empty folder", {}, "", /wanted IDX files, CIFAR batches, or a folder.*got neither/],
    ["empty classes", { "a/.hidden": "" }, "", /got folders without files/],
    ["pictures without labels", { [images]: pair[images] }, images, /labels-idx1-ubyte: wanted a readable file/],
    ["pictures named otherwise", { x: pair[images] }, "x", /wanted a name with images-idx3.*train-images-idx3-ubyte/s],
    ["a short IDX", { ...pair, [images]: pair[images].subarray(0, -1) }, "", /wanted 20 bytes for 2 × 1 × 2.*got 19/],
    [
      "half an IDX header",
      { ...pair, [images]: pair[images].subarray(0, 9) },
      "",
      /wanted a header of 16 bytes, got 9/,
    ],
    ["IDX of too few labels", { ...pair, [labels]: idx([1], [7]) }, "", /labels-idx1-ubyte: wanted 2 labels.*got 1/],
    ["IDX labels that are none", { ...pair, [labels]: "no" }, "", /labels-idx1-ubyte: wanted an IDX file of labels/],
    [
      "an IDX that promises too much",
      { ...pair, [images]: Buffer.from([0, 0, 8, 3, ...[1, 2, 3].flatMap(() => word(0xffffffff))]) },
      "",
      /wanted \d\.\d+e\+28 bytes/,
    ],
    [
      "half an archive",
      { [`${images}.gz`]: gzipSync(pair[images]).subarray(0, 20) },
      "",
      /\.gz: wanted a complete gzip archive.*unexpected end/,
    ],
    [
      "a class that CIFAR-10 does not have",
      { "b.bin": Uint8Array.from([...picture([1], 0, 0, 0), ...picture([77], 0, 0, 0)]) },
      "b.bin",
      /b\.bin, picture 2: wanted a class below 10, got 77/,
    ],
    ["half a PNG", { "a/1.png": half.subarray(0, 50) }, "", /a\/1\.png: wanted a complete PNG/],
    ["a damaged PNG", { "a/1.png": Buffer.from(half).fill(9, 41, 44) }, "", /a\/1\.png: wanted a complete PNG/],
    ["a huge PNG", { "a/1.png": huge }, "", /a\/1\.png: wanted sides of 1 to 4096 pixels, got 2147483647 × 1/],
    ["a PNG that is none", { "a/1.png": "GIF89a" }, "", /a\/1\.png: wanted a PNG, as its name says/],
    [
      "PNGs of different sizes",
      { "a/1.png": half, "b/1.png": png(1, 2, [1, 2], 1) },
      "",
      /b\/1\.png: wanted 2 × 1 pixels, as the first picture has, got 1 × 2/,
    ],
    ["texts among PNGs", { "a/1.png": half, "a/1.txt": "x" }, "", /a\/1\.txt: wanted a PNG, as others/],
  ];
  it.each(cases)("%s", async (_, files, name, message) => {
    const error: unknown = await readIn(files, name).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(message);
  });
});
