import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../../src/index.js";
import { encodeSafetensors, openSafetensors } from "../../src/weights/index.js";
import { file, tensor, eight, reference } from "../support/safetensors-file.js";

describe("malformed files are refused, each with its own error", () => {
  const cases: readonly [title: string, bytes: Uint8Array, message: RegExp][] = [
    ["shorter than its length field", new Uint8Array(5), /wanted at least 8 bytes, got 5/],
    [
      "a header longer than the file",
      file({}, eight, 1000n),
      /wanted a header within the file's 18 bytes, got one of 1000 bytes/,
    ],
    [
      "a header length that would exhaust memory",
      file({}, eight, 0xffff_ffff_ffff_ffffn),
      /wanted a header of at most 100000000 bytes, got one of 18446744073709551615/,
    ],
    ["a header that does not start with a brace", file("[1]"), /wanted a header that starts with "\{", got "\["/],
    ["broken JSON", file('{"a": '), /wanted a header in JSON/],
    [
      "a header that is not UTF-8",
      file(String.raw`{"a": 1}`).map((byte, at) => (at === 10 ? 0xff : byte)),
      /wanted a header in JSON/,
    ],
    [
      "a name twice",
      file(`{"a": ${JSON.stringify(tensor(0, 4))}, "\\u0061": ${JSON.stringify(tensor(4, 8))}}`, eight),
      /wanted a header in JSON with names that differ, got the name "a" twice/,
    ],
    ["objects in objects without end", file('{"a":'.repeat(2_000_000)), /more than 16 levels/],
    [
      "a string of escapes without end",
      file(`{"a": "${String.raw`\n`.repeat(5_000_000)}"}`),
      /wanted an object for tensor "a"/,
    ],
    ["a tensor that is no object", file({ a: 7 }), /wanted an object for tensor "a", got 7/],
    [
      "an unknown type",
      file({ a: tensor(0, 8, { dtype: "F31" }) }, eight),
      /wanted a dtype of BOOL, .* for tensor "a", got "F31"/,
    ],
    [
      "a type from the prototype",
      file({ a: tensor(0, 8, { dtype: "toString" }) }, eight),
      /for tensor "a", got "toString"/,
    ],
    [
      "a negative extent",
      file({ a: tensor(0, 8, { shape: [-2] }) }, eight),
      /wanted whole extents in the shape of tensor "a", got \[-2\]/,
    ],
    [
      "a shape that does not fit its bytes",
      file({ a: tensor(0, 8, { shape: [3] }) }, eight),
      /wanted 12 bytes for tensor "a" of F32 \[3\], got 8/,
    ],
    [
      "a shape whose product overflows",
      file({ a: tensor(0, 8, { shape: [2 ** 40, 2 ** 40] }) }, eight),
      /for tensor "a" .* got 8/,
    ],
    [
      "offsets in the wrong order",
      file({ a: tensor(0, 8, { data_offsets: [8, 0] }) }, eight),
      /wanted data_offsets \[begin, end\] with begin <= end for tensor "a", got \[8,0\]/,
    ],
    ["fractional offsets", file({ a: tensor(0, 8, { data_offsets: [0.5, 8.5] }) }, eight), /wanted data_offsets/],
    [
      "tensors that overlap",
      file({ a: tensor(0, 8), b: tensor(4, 8) }, eight),
      /wanted tensors that do not overlap, got "b" from byte/,
    ],
    [
      "a hole between tensors",
      file({ a: tensor(4, 8) }, eight),
      /wanted tensors without holes between, got 4 bytes of nothing/,
    ],
    [
      "numbers cut short",
      file({ a: tensor(0, 16) }, eight),
      /wanted tensor "a" within the file's \d+ bytes, got an end at byte/,
    ],
    ["bytes after the last tensor", file({ a: tensor(0, 4) }, eight), /got 4 bytes more/],
    [
      "a shape nested to exhaust the stack",
      file(
        `{"a": {"dtype": "F32", "shape": ${"[".repeat(200_000)}${"]".repeat(200_000)}, "data_offsets": [0, 8]}}`,
        eight,
      ),
      /more than 16 levels/,
    ],
    [
      "a name and a shape of megabytes",
      file({ ["x".repeat(1e6)]: tensor(0, 8, { shape: new Array(1e6).fill(-1) }) }, eight),
      /^.{0,600}$/,
    ],
    ["metadata that are not texts", file({ __metadata__: { a: 1 } }), /wanted texts by name in __metadata__/],
  ];
  it.each(cases)("%s", async (_, bytes, message) => {
    await expect(openSafetensors(bytes)).rejects.toThrow(message);
    await expect(openSafetensors(bytes)).rejects.toThrow(DataError);
  });

  it("every prefix of a good file", async () => {
    for (let length = 0; length < reference.length; length++)
      await expect(openSafetensors(reference.subarray(0, length))).rejects.toThrow(DataError);
  });

  it("a good file with any one byte of its header changed is read with checked offsets or refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 495 }), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        const changed = Uint8Array.from(reference);
        changed[at] = byte;
        try {
          const { tensors } = await openSafetensors(changed);
          for (const { begin, end } of tensors.values())
            expect(begin >= 496 && begin <= end && end <= changed.length).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
    );
  });

  it("a name of megabytes, and names like those of every object", async () => {
    const long = "x".repeat(5_000_000);
    const bytes = encodeSafetensors({
      [long]: { shape: [1], data: [1] },
      ["__proto__"]: { shape: [1], data: [2] },
      constructor: { shape: [1], data: [3] },
    });
    const { tensors, read } = await openSafetensors(bytes);
    expect(tensors.size).toBe(3);
    expect(await read("__proto__")).toEqual(Float32Array.of(2));
    expect(await read(long)).toEqual(Float32Array.of(1));
  });
});
