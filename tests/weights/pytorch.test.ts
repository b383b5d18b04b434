import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../../src/index.js";
import { openPyTorch } from "../../src/weights/pytorch.js";
import {
  call,
  checkpoint,
  dictionary,
  floats,
  list,
  name,
  raw,
  tensor,
  text,
  tuple,
  whole,
} from "../support/pickle-files.js";
import { zip } from "../support/zip-files.js";

const numbers = floats(1, 2, 3, 4, 5, 6);
const six = { count: 6 };

describe("a checkpoint", () => {
  it("gives tensors by the names of the dictionaries around them", async () => {
    const value = dictionary({
      epoch: whole(3),
      model: dictionary({ "blocks.0.w": tensor(six, [2, 3]), bias: tensor({ key: "1", count: 1 }, [1]) }),
      rates: list(tensor({ key: "1", count: 1 }, []), text("a")),
    });
    const { tensors, read } = await openPyTorch(checkpoint(value, { 0: numbers, 1: floats(-1.5) }));
    expect([...tensors]).toEqual([
      ["model.blocks.0.w", { dtype: "F32", shape: [2, 3] }],
      ["model.bias", { dtype: "F32", shape: [1] }],
      ["rates.0", { dtype: "F32", shape: [] }],
    ]);
    expect(await read("model.blocks.0.w")).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(await read("rates.0")).toEqual(Float32Array.of(-1.5));
    await expect(read("w")).rejects.toThrow(/openPyTorch: bytes: wanted one of its 3 tensors/);
  });

  it("gives views of a shared storage, transposed and from an offset", async () => {
    const value = dictionary({
      across: tensor(six, [3, 2], { strides: [1, 3] }),
      last: tensor(six, [2], { offset: 4 }),
      every: tensor(six, [3], { strides: [2] }),
      parameter: call(name("torch._utils", "_rebuild_parameter"), tensor(six, [1, 6]), raw("\x88"), tuple()),
    });
    const { read } = await openPyTorch(checkpoint(value, { 0: numbers }));
    expect(await read("across")).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
    expect(await read("last")).toEqual(Float32Array.of(5, 6));
    expect(await read("every")).toEqual(Float32Array.of(1, 3, 5));
    expect(await read("parameter")).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it.each([
    ["DoubleStorage", new Float64Array([0.1, -2]), Float64Array.of(0.1, -2)],
    ["HalfStorage", Uint16Array.of(0x3c00, 0xc000), Float32Array.of(1, -2)],
    ["BFloat16Storage", Uint16Array.of(0x3f80, 0xc000), Float32Array.of(1, -2)],
    ["LongStorage", BigInt64Array.of(5n, -(2n ** 40n)), Float64Array.of(5, -(2 ** 40))],
    ["BoolStorage", Uint8Array.of(1, 0), Float64Array.of(1, 0)],
  ])("reads %s", async (type, stored, wanted) => {
    const file = checkpoint(dictionary({ w: tensor({ type, count: 2 }, [2]) }), { 0: new Uint8Array(stored.buffer) });
    expect(await (await openPyTorch(file)).read("w")).toEqual(wanted);
    expect(await (await openPyTorch(new Blob([file as Uint8Array<ArrayBuffer>]))).read("w")).toEqual(wanted);
  });
});

/** A list in a list in a list ..., each twice in the next: 2^depth values for a walk that does not count. */
const laughs = (depth: number): Uint8Array =>
  raw("]q\x00", ...Array.from({ length: depth }, (_, at) => raw(`](h`, at, "h", at, "eq", at + 1)));

const w = tensor(six, [6]);
const state = dictionary({ w });
const reduce = (module: string, member: string): Uint8Array => checkpoint(call(name(module, member), text("ls")));
const hostile: Readonly<Record<string, Uint8Array>> = {
  "a call of os.system": reduce("os", "system"),
  "a call of builtins.eval": reduce("builtins", "eval"),
  "a call of constructor": reduce("", "constructor"),
  "a call of __proto__": reduce("", "__proto__"),
  "a whole model": checkpoint(raw(name("__main__", "Net"), ")\x81}b")),
  "a name from the stack": checkpoint(raw(text("os"), text("system"), "\x93", tuple(text("ls")), "R")),
  "an object by INST": checkpoint(raw("(ios\nsystem\n")),
  "an extension code": checkpoint(raw("\x82\x01")),
  "state for a number": checkpoint(raw(whole(1), "}b")),
  "a call of a number": checkpoint(raw(whole(1), ")R")),
  "a billion laughs": checkpoint(laughs(30), { 0: numbers }),
  "a list of itself": checkpoint(raw("]q\x00h\x00a"), { 0: numbers }),
  "no value": checkpoint(raw("")),
  "a mark as the value": checkpoint(raw("(")),
  "tuple without a mark": checkpoint(raw("t")),
  "a memo that was not stored": checkpoint(raw("h\x05")),
  "a text beyond the end": checkpoint(raw("X\xff\xff\xff\xff")),
  "bytes beyond 2^53": checkpoint(raw("\x8e\xff\xff\xff\xff\xff\xff\xff\xff")),
  "a key without a value": checkpoint(raw("}(", text("a"), "u")),
  "text that is not UTF-8": checkpoint(raw("X\x01\x00\x00\x00\xff")),
  "an odd dictionary": checkpoint(call(name("collections", "OrderedDict"), whole(1))),
  "a negative stride": checkpoint(tensor(six, [2], { strides: [-1], offset: 1 }), { 0: numbers }),
  "a negative offset": checkpoint(tensor(six, [2], { offset: -1 }), { 0: numbers }),
  "a negative extent": checkpoint(tensor(six, [-2]), { 0: numbers }),
  "strides of another rank": checkpoint(tensor(six, [2, 3], { strides: [1] }), { 0: numbers }),
  "a huge shape": checkpoint(tensor(six, [2 ** 40, 2 ** 40]), { 0: numbers }),
  "a huge shape with strides of 0": checkpoint(tensor(six, [2 ** 40], { strides: [0] }), { 0: numbers }),
  "a view beyond its storage": checkpoint(tensor(six, [6], { offset: 1 }), { 0: numbers }),
  "a storage longer than its file": checkpoint(tensor({ count: 7 }, [7]), { 0: numbers }),
  "a storage without a file": checkpoint(state),
  "a storage of another type": checkpoint(tensor({ count: 6, type: "ComplexFloatStorage" }, [6]), { 0: numbers }),
  "a storage of type constructor": checkpoint(tensor({ count: 6, type: "constructor" }, [6]), { 0: numbers }),
  "a storage that is no reference": checkpoint(
    call(name("torch._utils", "_rebuild_tensor_v2"), text("0"), whole(0), tuple(whole(1)), tuple(whole(1))),
  ),
  "two tensors of one name": checkpoint(dictionary({ "a.b": w, a: dictionary({ b: w }) }), { 0: numbers }),
  "big-endian numbers": checkpoint(state, { 0: numbers }, {}, "big"),
  "two pickles": zip({ "a/data.pkl": raw("N."), "b/data.pkl": raw("N.") }),
  "no pickle": zip({ "../../etc/passwd": numbers }),
  "a file of before 1.6": raw("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
  "a pickle whose checksum is wrong": checkpoint(state, { 0: numbers }, { "m/data.pkl": { crc: 1 } }),
  "a pickle that unpacks to more": checkpoint(state, { 0: numbers }, { "m/data.pkl": { deflate: true, size: 9 } }),
  "a pickle that unpacks to less": checkpoint(state, { 0: numbers }, { "m/data.pkl": { deflate: true, size: 9999 } }),
  "a zip bomb": zip({ "m/data.pkl": numbers }, { "m/data.pkl": { deflate: true, size: 2 ** 31 } }),
  "files that overlap": checkpoint(state, { 0: numbers }, { "m/data/0": { offset: 0 } }),
  "a file with a password": checkpoint(state, { 0: numbers }, { "m/data.pkl": { flags: 1 } }),
  "a file packed by another method": checkpoint(state, { 0: numbers }, { "m/data.pkl": { method: 14 } }),
  nothing: new Uint8Array(0),
};

describe("a damaged or hostile file is refused, and nothing of it runs", () => {
  it.each(Object.entries(hostile))("%s", async (_, file) => {
    await expect(openPyTorch(file)).rejects.toThrow(DataError);
  });

  it("names what a file would call, and what to save instead", async () => {
    await expect(openPyTorch(hostile["a call of os.system"])).rejects.toThrow(
      /got a call of "os\.system", which is not executed.*torch\.save\(model\.state_dict\(\), path\)/s,
    );
    await expect(openPyTorch(hostile["a file of before 1.6"])).rejects.toThrow(/older version.*weights_only=True/s);
  });

  it("a storage whose checksum is wrong, when it is read", async () => {
    const { read } = await openPyTorch(checkpoint(state, { 0: numbers }, { "m/data/0": { crc: 1 } }));
    await expect(read("w")).rejects.toThrow(/m\/data\/0.*checksum/s);
  });

  it("any change of a byte is refused, or changes no number silently", async () => {
    const value = dictionary({ w: tensor(six, [2, 3]), v: tensor({ key: "1", count: 2 }, [2]) });
    const odd = { "m/data/1": { deflate: true } };
    const file = checkpoint(value, { 0: numbers, 1: floats(7, 8) }, odd);
    const wanted: Readonly<Record<string, Float32Array>> = {
      w: new Float32Array(numbers.buffer),
      v: Float32Array.of(7, 8),
    };
    const property = fc.asyncProperty(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Uint8Array.from(file);
      changed[at] ^= change;
      try {
        const { tensors, read } = await openPyTorch(changed);
        for (const name of tensors.keys()) expect(await read(name)).toEqual(wanted[name]);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
      }
    });
    await fc.assert(property, { numRuns: 2000 });
  });
});
