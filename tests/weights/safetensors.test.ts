import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, DataError, ShapeError, UnsupportedError } from "../../src/index.js";
import { encodeSafetensors, openSafetensors, openShardedSafetensors } from "../../src/weights/index.js";
import { file, tensor, eight, reference } from "../support/safetensors-file.js";

describe("a file of the reference implementation, safetensors 0.8.0", () => {
  it("is read, number for number", async () => {
    const { tensors, metadata, read } = await openSafetensors(reference);
    expect(metadata).toEqual({ format: "np", by: "safetensors 0.8.0" });
    expect(Object.fromEntries([...tensors].map(([name, { dtype, shape }]) => [name, [dtype, shape]]))).toEqual({
      whole: ["I64", [3]],
      double: ["F64", [2, 3]],
      nothing: ["F32", [0, 4]],
      scalar: ["F32", []],
      single: ["F32", [4]],
      brain: ["BF16", [3]],
      half: ["F16", [2, 2, 1]],
    });
    expect(await read("double")).toEqual(Float64Array.of(0.1, -2.5, 1e300, 0, -0, 3));
    expect(await read("single")).toEqual(Float32Array.of(0.1, -7.25, 3e38, 1e-45));
    expect(await read("half")).toEqual(Float32Array.of(0.0999755859375, 65504, -(2 ** -24), 1.5));
    expect(await read("brain")).toEqual(Float32Array.of(1, -3.140625, 2 ** 100));
    expect(await read("scalar")).toEqual(Float32Array.of(42.5));
    expect(await read("nothing")).toEqual(new Float32Array(0));
    expect(await read("whole")).toEqual(Float64Array.of(1, 2, 3));
    await expect(read("hole")).rejects.toThrow(
      /openSafetensors: bytes: wanted one of its 7 tensors \("whole", .*got "hole"/,
    );
  });

  it("is the same from a Blob, an ArrayBuffer and a source of parts", async () => {
    const buffer = new Uint8Array(reference).buffer;
    const source = {
      name: "parts",
      size: reference.length,
      read: (begin: number, end: number) => Promise.resolve(reference.subarray(begin, end)),
    };
    for (const data of [new Blob([buffer]), buffer, source])
      expect(await (await openSafetensors(data)).read("double")).toEqual(Float64Array.of(0.1, -2.5, 1e300, 0, -0, 3));
  });
});

describe("what is written", () => {
  it("comes back, exactly in F64 and F32, as the nearest number in F16 and BF16", async () => {
    const extents = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string({ maxLength: 6 }).filter((name) => name !== "__metadata__"),
          extents,
          { maxKeys: 4 },
        ),
        fc.constantFrom("F64", "F32", "F16", "BF16"),
        async (shapes, dtype) => {
          const tensors = Object.fromEntries(
            Object.entries(shapes).map(([name, shape], index) => [
              name,
              {
                shape,
                dtype,
                data: Float64Array.from(
                  { length: shape.reduce((a, b) => a * b, 1) },
                  (_, at) => Math.sin(1 + at + index) * 10 ** (at % 5),
                ),
              },
            ]),
          );
          const stored = await openSafetensors(encodeSafetensors(tensors));
          expect([...stored.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
          const relative = { F64: 0, F32: 2 ** -24, F16: 2 ** -11, BF16: 2 ** -8 }[dtype];
          for (const [name, { data, shape }] of Object.entries(tensors)) {
            expect(stored.tensors.get(name)!.shape).toEqual(shape);
            const back = await stored.read(name);
            data.forEach((value, at) => {
              if (Math.abs(value) > 2 ** -14)
                expect(Math.abs(back[at] - value)).toBeLessThanOrEqual(relative * Math.abs(value));
            });
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    [1, 0x3f80],
    [-2, 0xc000],
    [1 + 2 ** -8, 0x3f80], // a tie, to even
    [1 + 3 * 2 ** -8, 0x3f82],
    [1 + 2 ** -8 + 2 ** -40, 0x3f81], // rounding to float32 first would make it a tie
    [2 ** -133, 0x0001],
    [NaN, 0x7fc0],
    [-Infinity, 0xff80],
  ])("%d is the bfloat16 pattern %d", (value, bits) => {
    const bytes = encodeSafetensors({ x: { shape: [1], data: [value], dtype: "BF16" } });
    expect(new DataView(bytes.buffer).getUint16(bytes.length - 2, true)).toBe(bits);
  });

  it("must fit its shape and its type", () => {
    expect(() => encodeSafetensors({ x: { shape: [2, 2], data: [1, 2, 3] } })).toThrow(ShapeError);
    expect(() => encodeSafetensors({ x: { shape: [2], data: [1, 65520], dtype: "F16" } })).toThrow(
      /x: wanted numbers that F16 can hold, got 65520 at index 1/,
    );
    expect(() => encodeSafetensors({ __metadata__: { shape: [], data: [1] } })).toThrow(ArgumentError);
  });
});

describe("whole numbers", () => {
  const types = {
    BOOL: Uint8Array.of(0, 1),
    U8: Uint8Array.of(0, 255),
    I8: Int8Array.of(-128, 127),
    U16: Uint16Array.of(0, 65535),
    I16: Int16Array.of(-32768, 32767),
    U32: Uint32Array.of(0, 2 ** 32 - 1),
    I32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1),
    U64: BigUint64Array.of(0n, 2n ** 53n),
    I64: BigInt64Array.of(-(2n ** 53n), 2n ** 60n),
  };
  it.each(Object.entries(types))("of %s are read exactly", async (dtype, values) => {
    const bytes = new Uint8Array(values.buffer);
    const header = { w: { dtype, shape: [2], data_offsets: [0, bytes.length] } };
    const { read } = await openSafetensors(file(header, bytes));
    expect(await read("w")).toEqual(Float64Array.from(values as Iterable<number | bigint>, Number));
  });

  it("beyond float64 are refused", async () => {
    const bytes = new Uint8Array(BigInt64Array.of(2n ** 53n + 1n).buffer);
    const { read } = await openSafetensors(file({ w: { dtype: "I64", shape: [1], data_offsets: [0, 8] } }, bytes));
    await expect(read("w")).rejects.toThrow(/w: wanted whole numbers that float64 holds, got 9007199254740993/);
  });
});

describe("what is not read does not stand in the way of what is", () => {
  // of the list of the format's reference implementation, with the bits of a number
  const bits = {
    F4: 4,
    F6_E2M3: 6,
    F6_E3M2: 6,
    F8_E5M2: 8,
    F8_E4M3: 8,
    F8_E8M0: 8,
    F8_E4M3FNUZ: 8,
    F8_E5M2FNUZ: 8,
    C64: 64,
  };
  it.each(Object.entries(bits))("F32 beside %s", async (dtype, width) => {
    const other = new Uint8Array(width); // eight numbers
    const header = { other: { dtype, shape: [2, 4], data_offsets: [0, width] }, w: tensor(width, width + 8) };
    const numbers = new Uint8Array([...other, ...new Uint8Array(Float32Array.of(1.5, -2).buffer)]);
    const { read, tensors } = await openSafetensors(file(header, numbers));
    expect(tensors.get("other")).toMatchObject({ dtype, shape: [2, 4] });
    expect(await read("w")).toEqual(Float32Array.of(1.5, -2));
    await expect(read("other")).rejects.toThrow(UnsupportedError);
    await expect(
      openSafetensors(file({ ...header, other: { ...header.other, shape: [3, 3] } }, numbers)),
    ).rejects.toThrow(`wanted ${(9 * width) / 8} bytes for tensor "other"`);
  });

  it("metadata that are null are none", async () => {
    expect((await openSafetensors(file({ __metadata__: null, a: tensor(0, 8) }, eight))).metadata).toEqual({});
  });
});

it("shows control characters of a file's names as escapes", async () => {
  const name = "\u001b[31m\u009b1m\u202e\u2028";
  const { read } = await openSafetensors(encodeSafetensors({ [name]: { shape: [1], data: [1] } }));
  await expect(read(`${name}?`)).rejects.toThrow(/^[^\p{Cc}\u2028\u202e]*\\u001b\[31m\\u009b1m\\u202e\\u2028\?"\.$/u);
});

it("reads an index of shards that begins with a byte order mark, and names what stands in place of one", async () => {
  const shard = encodeSafetensors({ x: { shape: [1], data: [3] } });
  const { read } = await openShardedSafetensors(`\uFEFF${JSON.stringify({ weight_map: { x: "one" } })}`, () =>
    Promise.resolve(shard),
  );
  expect(await read("x")).toEqual(Float32Array.of(3));
  await expect(
    openShardedSafetensors("version https://git-lfs.github.com/spec/v1\noid", () => Promise.resolve(shard)),
  ).rejects.toThrow(/got a Git LFS pointer/);
});

describe("names the kind of file that stands in place of one", () => {
  const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
  const hex = (digits: string): Uint8Array => Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  const zip = (name: string): Uint8Array =>
    ascii(
      `PK\x03\x04\x14\0\0\0\0\0${"\x11".repeat(8)}${"\0".repeat(8)}${String.fromCharCode(name.length)}\0\0\0${name}`,
    );
  const kinds: readonly [kind: RegExp, bytes: Uint8Array][] = [
    [
      /a Git LFS pointer\. .*run git lfs pull/,
      ascii(`version https://git-lfs.github.com/spec/v1\noid sha256:${"a1".repeat(32)}\nsize 437951328\n`),
    ],
    [/an HTML page\. .*\/resolve\//, ascii("\n<!doctype html>\n<html lang=en><head>")],
    [/an HTML page/, ascii("\xef\xbb\xbf<html><head>")],
    [/an XML text/, ascii('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>')],
    [/a JSON text\. .*openShardedSafetensors/, ascii('{"error":"Repository not found"}')],
    [/a GGUF model .*Convert it to safetensors/, hex("4747554603000000230100000000000018000000")],
    [/a TensorFlow Lite model/, hex("1c00000054464c3314002000")],
    [/a PyTorch checkpoint/, zip("archive/data.pkl")],
    [
      /a zip archive of NumPy arrays/,
      hex("504b03042d0000000000000021006e99b228ffffffffffffffff05001400612e6e70790100100090"),
    ],
    [/a zip archive\. Unpack/, zip("model.safetensors")],
    [/a Python pickle/, hex("80027d710058010000006171")],
    [/a PyTorch checkpoint of before version 1\.6\. Save it again/, hex("80028a0a6cfc9c46f9206aa850192e80")],
    [/a Python pickle/, hex("80049514000000000000007d")],
    [/a NumPy array/, hex("934e554d5059010076007b276465736372273a20")],
    [/an HDF5 file/, hex("894844460d0a1a0a0000000000080800")],
    [/an ONNX model/, hex("080712077079746f7263681a05322e302e30")],
    [/an ONNX model/, hex("080a3a1e0a160a0178")],
    [/a gzip archive/, hex("1f8b0800000000000003")],
    [/a tar archive/, ascii(`model.safetensors${"\0".repeat(240)}ustar\x0000`)],
    [/a Parquet table/, ascii("PAR1\x15\x04\x15\xff")],
    [/a file that begins with zeros alone/, new Uint8Array(4096)],
  ];
  it.each(kinds)("%s", async (kind, bytes) => {
    const error: unknown = await openSafetensors(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(
      new RegExp(`^openSafetensors: bytes: wanted a safetensors file, got ${kind.source}`),
    );
  });

  it("but not of a safetensors file whose header length looks like one", async () => {
    // 0x3a0a08 bytes of header begin as an ONNX model does
    const header = `{"a":${JSON.stringify(tensor(0, 8))}}`;
    const good = file(header.padEnd(0x3a0a08), eight);
    expect((await openSafetensors(good)).tensors.size).toBe(1);
    await expect(openSafetensors(good.subarray(0, good.length - 1))).rejects.toThrow(/The file is cut short/);
  });
});
