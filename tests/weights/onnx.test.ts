import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AttentionKernelsError, DataError, UnsupportedError } from "../../src/index.js";
import { openOnnx } from "../../src/weights/index.js";
import { encodeModel, floatTensor, onnx, raw, type TensorFields } from "../support/onnx-files.js";

const six = [1, 2, 3, 4, 5, 6];
const constant = (name: string, t: TensorFields) => ({
  opType: "Constant",
  output: [name],
  attribute: [{ name: "value", t, type: 4 }],
});

describe("an ONNX model", () => {
  it("gives initialisers and constants by the names that the graph uses", async () => {
    const file = onnx(
      [floatTensor("w", [2, 3], six)],
      [constant("c", floatTensor("another", [1], [7])), { opType: "MatMul", input: ["x", "w"], output: ["y"] }],
    );
    for (const data of [file, new Blob([file as Uint8Array<ArrayBuffer>])]) {
      const { tensors, read } = await openOnnx(data);
      expect([...tensors]).toEqual([
        ["w", { dtype: "F32", shape: [2, 3] }],
        ["c", { dtype: "F32", shape: [1] }],
      ]);
      expect(await read("w")).toEqual(Float32Array.from(six));
      expect(await read("c")).toEqual(Float32Array.of(7));
      await expect(read("x")).rejects.toThrow(/openOnnx: .*wanted one of its 2 tensors/);
    }
  });

  const large = -(2 ** 40) - 3;
  it.each([
    ["float32", { dataType: 1, floatData: [0.5, -2] }, Float32Array.of(0.5, -2)],
    ["float64", { dataType: 11, doubleData: [0.1, -2] }, Float64Array.of(0.1, -2)],
    ["float16", { dataType: 10, int32Data: [0x3c00, 0xc000] }, Float32Array.of(1, -2)],
    ["bfloat16", { dataType: 16, int32Data: [0x3f80, 0xc000] }, Float32Array.of(1, -2)],
    ["raw float16", { dataType: 10, rawData: Buffer.of(0, 0x3c, 0, 0xc0) }, Float32Array.of(1, -2)],
    ["int8", { dataType: 3, int32Data: [7, -128] }, Float64Array.of(7, -128)],
    ["uint16", { dataType: 4, int32Data: [7, 65535] }, Float64Array.of(7, 65535)],
    ["int32", { dataType: 6, int32Data: [-1, 2 ** 31 - 1] }, Float64Array.of(-1, 2 ** 31 - 1)],
    ["bool", { dataType: 9, int32Data: [1, 0] }, Float64Array.of(1, 0)],
    ["int64", { dataType: 7, int64Data: [large, 5] }, Float64Array.of(large, 5)],
    ["uint32", { dataType: 12, uint64Data: [2 ** 32 - 1, 5] }, Float64Array.of(2 ** 32 - 1, 5)],
    ["uint64", { dataType: 13, uint64Data: [2 ** 52 + 1, 5] }, Float64Array.of(2 ** 52 + 1, 5)],
  ])("reads %s", async (_, fields, wanted) => {
    const { read } = await openOnnx(onnx([{ name: "w", dims: [2], ...fields }]));
    expect(await read("w")).toEqual(wanted);
  });

  it("reads scalars and empty tensors, and leaves out texts", async () => {
    const texts = { name: "t", dims: [1], dataType: 8 };
    const { tensors, read } = await openOnnx(onnx([floatTensor("s", [], [3]), floatTensor("none", [0, 4], []), texts]));
    expect([...tensors.keys()]).toEqual(["s", "none"]);
    expect([await read("s"), await read("none")]).toEqual([Float32Array.of(3), new Float32Array(0)]);
  });

  it("lists numbers of 8 bits with a fraction, which it does not read", async () => {
    const { tensors, read } = await openOnnx(onnx([{ name: "w", dims: [2], dataType: 17, rawData: Buffer.of(1, 2) }]));
    expect(tensors.get("w")).toEqual({ dtype: "F8_E4M3", shape: [2] });
    await expect(read("w")).rejects.toThrow(UnsupportedError);
  });

  it("whose numbers lie in another file is refused with the way out", async () => {
    const outside = { name: "w", dims: [2], dataType: 1, dataLocation: 1 };
    for (const tensor of [outside, { ...outside, dataLocation: 0, externalData: [{ key: "location", value: "../x" }] }])
      await expect(openOnnx(onnx([tensor]))).rejects.toThrow(
        /wanted tensors within the file, got tensor "w", whose numbers are in another file\..*onnx\.save/,
      );
  });
});

const part = (number: number, ...content: readonly (number | Uint8Array)[]): Uint8Array => {
  const bytes = Buffer.concat(content.map((item) => (typeof item === "number" ? Buffer.of(item) : item)));
  return Buffer.concat([Buffer.of(8 * number + 2, bytes.length), bytes]);
};
const tensor = (...fields: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([Buffer.of(8, 8), part(7, part(5, ...fields))]);
const named = part(8, Buffer.from("w"));
const float = Buffer.of(16, 1);
const [head, good] = [Buffer.of(8, 8), onnx([floatTensor("w", [2, 3], six)])];
const endless = Buffer.alloc(12, 0xff);

const hostile: Readonly<Record<string, Uint8Array>> = {
  "no graph": head,
  "two graphs": Buffer.concat([head, part(7), part(7)]),
  "a graph beyond the end": Buffer.concat([head, Buffer.of(0x3a, 100)]),
  "a graph of 2^62 bytes": Buffer.concat([head, Buffer.of(0x3a, 128, 128, 128, 128, 128, 128, 128, 128, 64)]),
  "a length below 0": Buffer.concat([head, Buffer.of(0x3a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)]),
  "a tensor beyond its graph": Buffer.concat([head, part(7, Buffer.of(0x2a, 100)), new Uint8Array(200)]),
  "a varint without an end": Buffer.concat([head, endless]),
  "a tag without an end": Buffer.concat([head, part(7, endless)]),
  "a group, which the format dropped": Buffer.concat([head, Buffer.of(0x3b, 0x3c)]),
  "a field of type 7": Buffer.concat([head, Buffer.of(0x3f, 1)]),
  "a cut float": Buffer.concat([head, Buffer.of(0x3d, 1, 2)]),
  "numbers fewer than the shape": onnx([floatTensor("w", [7], six)]),
  "numbers more than the shape": onnx([floatTensor("w", [5], six)]),
  "a negative extent": onnx([floatTensor("w", [-2, -3], six)]),
  "a huge shape": onnx([floatTensor("w", [2 ** 40, 2 ** 40], six)]),
  "a huge shape of bytes": onnx([{ name: "w", dims: [2 ** 50], dataType: 3, int32Data: [1] }]),
  "a shape that overflows to nothing": onnx([floatTensor("w", [2 ** 33, 2 ** 33, 0, 2 ** 60], six)]),
  "a shape without end": onnx([floatTensor("w", new Array<number>(40_000).fill(1), [1])]),
  "packed extents that do not end": tensor(part(1, endless), float, named),
  "numbers in the field of another type": onnx([{ name: "w", dims: [1], dataType: 1, int32Data: [1] }]),
  "numbers raw and typed": onnx([{ ...floatTensor("w", [1], [1]), floatData: [1] }]),
  "numbers one by one": tensor(named, float, Buffer.of(8, 1, 0x25, 0, 0, 128, 63)),
  "two tensors of one name": onnx([floatTensor("w", [1], [1]), floatTensor("w", [1], [2])]),
  "two tensors without a name": onnx([floatTensor("", [1], [1]), floatTensor("", [1], [2])]),
  "a constant over an initialiser": onnx([floatTensor("w", [1], [1])], [constant("w", floatTensor("", [1], [2]))]),
  "a name of a megabyte": onnx([floatTensor("w".repeat(2 ** 20), [1], [1])]),
  "a path out of the folder": onnx([
    { name: "w", dims: [1], dataType: 1, externalData: [{ key: "location", value: "/etc/passwd" }] },
  ]),
  "fields without end": Buffer.concat([head, ...new Array<Buffer>(2 ** 20 + 1).fill(head)]),
  "a cut file": good.subarray(0, good.length - 10),
  "another file": raw(six),
  nothing: new Uint8Array(0),
};

describe("a damaged or hostile ONNX model is refused", () => {
  it.each(Object.entries(hostile))("%s", async (_, file) => {
    const before = process.memoryUsage().arrayBuffers;
    await expect(openOnnx(file)).rejects.toThrow(DataError);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });

  it.each([
    ["too few varints", [1]],
    ["too many", [1, 2, 3]],
  ])("%s for the shape, when they are read", async (_, int64Data) => {
    const open = async (): Promise<unknown> =>
      (await openOnnx(onnx([{ name: "w", dims: [2], dataType: 7, int64Data }]))).read("w");
    await expect(open()).rejects.toThrow(DataError);
  });

  it("a name that every object has is a name like others", async () => {
    const file = onnx(
      [floatTensor("__proto__", [1], [1])],
      [{ opType: "A", attribute: [{ name: "__proto__", i: 1, type: 2 }] }],
    );
    expect(await (await openOnnx(file)).read("__proto__")).toEqual(Float32Array.of(1));
  });

  it("any change of bytes is refused with the library's error, or read within the file", async () => {
    const file = encodeModel({
      irVersion: 8,
      graph: {
        name: "g",
        node: [constant("c", floatTensor("", [2], [7, 8])), { opType: "Add", input: ["w", "c"], output: ["y"] }],
        initializer: [floatTensor("w", [2, 3], six), { name: "i", dims: [2], dataType: 7, int64Data: [300, -1] }],
      },
    });
    const changes = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(changes, fc.nat(file.length), async (places, cut) => {
      const changed = Uint8Array.from(cut % 4 === 0 ? file.subarray(0, cut) : file);
      for (const [at, byte] of places) changed[at % changed.length] = byte;
      try {
        const { tensors, read } = await openOnnx(changed);
        for (const [name, { shape }] of tensors)
          expect((await read(name)).length).toBe(shape.reduce((size, extent) => size * extent, 1));
      } catch (error) {
        expect(error).toBeInstanceOf(AttentionKernelsError);
      }
    });
    await fc.assert(property, { numRuns: 2000 });
  });
});
