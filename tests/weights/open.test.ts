import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError, AttentionKernelsError, DataError } from "../../src/index.js";
import { encodeSafetensors, openWeights } from "../../src/weights/index.js";
import { floatTensor, onnx } from "../support/onnx-files.js";
import { checkpoint, dictionary, floats, tensor } from "../support/pickle-files.js";
import { zip } from "../support/zip-files.js";

const ascii = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (character) => character.charCodeAt(0));
const two = { shape: [2], data: [1, 2] };
const npy = Buffer.concat([
  ascii("\x93NUMPY\x01\0\x40\0{'descr':'<f4','fortran_order':False,'shape':(2,)}".padEnd(74)),
  floats(1, 2),
]);

/** A file of each format with the numbers 1 and 2 under a name, and whether it has checksums. */
const files = [
  ["safetensors", "w", encodeSafetensors({ w: two }), false],
  ["PyTorch", "w", checkpoint(dictionary({ w: tensor({ count: 2 }, [2]) }), { 0: floats(1, 2) }), true],
  [".npz", "w", zip({ "w.npy": npy }, { "w.npy": { deflate: true } }), true],
  [".npy", "array", npy, false],
  ["ONNX", "w", onnx([floatTensor("w", [2], [1, 2])]), false],
] as const;

/** A file with some of its bytes changed, left out, or put in. */
const mutation = (file: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .record({
      changes: fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { maxLength: 3 }),
      from: fc.nat(file.length),
      without: fc.constantFrom(0, 0, 0, 1, 2, 7, 1000),
      more: fc.constantFrom(0, 0, 0, 1, 2, 7),
    })
    .map(({ changes, from, without, more }) => {
      const changed = Uint8Array.from(file);
      for (const [at, byte] of changes) changed[at] = byte;
      return Buffer.concat([changed.subarray(0, from), new Uint8Array(more), changed.subarray(from + without)]);
    });

describe("openWeights", () => {
  it.each(files)(
    "of 2,000 changed files of %s gives the numbers, or the library's error, or what bytes without checksums say",
    async (_, name, file, isChecked) => {
      const property = fc.asyncProperty(mutation(file), async (changed) => {
        try {
          const { tensors, read } = await openWeights(changed);
          for (const [own, { shape }] of tensors) {
            const numbers = await read(own);
            expect(numbers.length).toBe(shape.reduce((size, extent) => size * extent, 1));
            if (isChecked && own === name) expect(numbers).toEqual(Float32Array.of(1, 2));
          }
        } catch (error) {
          expect(error).toBeInstanceOf(AttentionKernelsError);
        }
      });
      await fc.assert(property, { numRuns: 2000 });
    },
  );

  it.each(files)("recognises %s by its first bytes", async (_, name, file) => {
    for (const data of [file, new Blob([file as Uint8Array<ArrayBuffer>])]) {
      const { tensors, read } = await openWeights(data);
      expect([...tensors.keys()]).toEqual([name]);
      expect(await read(name)).toEqual(Float32Array.of(1, 2));
    }
  });

  it("opens an index with shards of any format", async () => {
    const shards: Readonly<Record<string, Uint8Array>> = {
      "1.bin": checkpoint(dictionary({ a: tensor({ count: 2 }, [2]) }), { 0: floats(3, 4) }),
      "2.safetensors": encodeSafetensors({ b: two }),
    };
    const index = ascii(JSON.stringify({ metadata: {}, weight_map: { a: "1.bin", b: "2.safetensors" } }));
    const shard = (file: string): Promise<Uint8Array> => Promise.resolve(shards[file]);
    const { read } = await openWeights(index, { shard });
    expect([await read("a"), await read("b")]).toEqual([Float32Array.of(3, 4), Float32Array.of(1, 2)]);
    await expect(openWeights(index)).rejects.toThrow(/got a JSON text\. Give openWeights the option shard/);
    await expect(openWeights(index, { shards: shard } as never)).rejects.toThrow(ArgumentError);
    const nested = (): Promise<Uint8Array> => Promise.resolve(index);
    await expect(openWeights(index, { shard: nested })).rejects.toThrow(/got a JSON text/);
  });

  it.each([
    ["a GGUF model (llama.cpp)", /gguf_file=/, ascii("GGUF\x03\0\0\0\x23\x01\0\0\0\0\0\0")],
    ["a TensorFlow Lite model", /tf2onnx.*--tflite/, ascii("\x1c\0\0\0TFL3\x14\0\x20\0")],
    ["an HDF5 file", /h5py.*numpy\.savez/, ascii("\x89HDF\r\n\x1a\n\0\0\0\0")],
    ["a TensorFlow.js model", /tf2onnx.*--tfjs/, ascii('{\n  "modelTopology": {"node": []}}')],
    [
      "a PyTorch checkpoint of before version 1.6",
      /weights_only=True/,
      ascii("\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."),
    ],
    ["a Python pickle", /numpy\.savez/, ascii("\x80\x04\x95\x14\0\0\0\0\0\0\0}")],
    ["a Keras model", /numpy\.savez/, zip({ "metadata.json": ascii("{}"), "config.json": ascii("{}") })],
    ["a zip archive", /Unpack/, zip({ "a.txt": ascii("a") })],
    ["a Git LFS pointer", /git lfs pull/, ascii("version https://git-lfs.github.com/spec/v1\n")],
    ["an HTML page", /\/resolve\//, ascii("<!doctype html><html>")],
    ["bytes of an unknown format", /numpy\.savez/, ascii("once upon a time")],
    ["an empty file", /numpy\.savez/, ascii("")],
  ])("names %s, with the conversion", async (name, way, file) => {
    const error: unknown = await openWeights(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    const { message } = error as DataError;
    expect(message).toContain(`openWeights: bytes: wanted weights as safetensors, PyTorch, NumPy or ONNX, got ${name}`);
    expect(message).toMatch(way);
  });

  it("names a part of a TensorFlow.js model by the name of its file", async () => {
    const source = { name: "x/group1-shard2of7", size: 8, read: () => Promise.resolve(ascii("\x01\x02\x03\x04abcd")) };
    await expect(openWeights(source)).rejects.toThrow(/a part of a TensorFlow\.js model.*--tfjs/);
  });
});
