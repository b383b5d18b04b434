import { describe, expect, it } from "vitest";
import { DataError } from "../../src/index.js";
import { openNumpy } from "../../src/weights/numpy.js";
import { zip } from "../support/zip-files.js";

/** numpy.savez_compressed of NumPy: wq in column-major order, half, ids, scalar, flags. */
const npz = Buffer.from(
  [
    "UEsDBC0AAAAIAAAAIQAPItF///////////8GABQAd3EubnB5AQAQALAAAAAAAAAAWgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRu",
    "paBuk2ahrqOgnpZfVFKUmBefX5SSChIPKSpNBQoXZyQWpAK5GkY6CsaaOgq1CuQDLgYw+GEPoQUcIDTDAQglAuVzQGkJBwBQSwME",
    "LQAAAAgAAAAhAF6zqSX//////////wgAFABoYWxmLm5weQEAEACMAAAAAAAAAFIAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWg",
    "bpNmpK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKxpo6CrUKZAMuBjuGAwxODC4MrgxuAFBLAwQtAAAACAAAACEA",
    "90AS6v//////////BwAUAGlkcy5ucHkBABAAmAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9U",
    "UpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6mjoKtQoUAC4GKGCE0kxQGgBQSwMELQAAAAgAAAAhACpb2Aj//////////woAFABz",
    "Y2FsYXIubnB5AQAQAIQAAAAAAAAARgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2airqOgnpZfVFKUmBefX5SSChJ3S8wp",
    "TgWKF2ckFqQC+RqaOgq1ChQBLgaGBw4AUEsDBC0AAAAIAAAAIQDuGbtd//////////8JABQAZmxhZ3MubnB5AQAQAIIAAAAAAAAA",
    "RgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBek2SorqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOpo6CrUKFAAu",
    "RgYAUEsBAi0DLQAAAAgAAAAhAA8i0X9aAAAAsAAAAAYAAAAAAAAAAAAAAIABAAAAAHdxLm5weVBLAQItAy0AAAAIAAAAIQBes6kl",
    "UgAAAIwAAAAIAAAAAAAAAAAAAACAAZIAAABoYWxmLm5weVBLAQItAy0AAAAIAAAAIQD3QBLqTAAAAJgAAAAHAAAAAAAAAAAAAACA",
    "AR4BAABpZHMubnB5UEsBAi0DLQAAAAgAAAAhACpb2AhGAAAAhAAAAAoAAAAAAAAAAAAAAIABowEAAHNjYWxhci5ucHlQSwECLQMt",
    "AAAACAAAACEA7hm7XUYAAACCAAAACQAAAAAAAAAAAAAAgAElAgAAZmxhZ3MubnB5UEsFBgAAAAAFAAUADgEAAKYCAAAAAA==",
  ].join(""),
  "base64",
);

const header = (text: string, numbers: Uint8Array, version = 1): Uint8Array => {
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  return new Uint8Array(
    Buffer.concat([Buffer.from("\x93NUMPY", "latin1"), Buffer.of(version, 0), length, Buffer.from(text), numbers]),
  );
};
const dictionary = (descr: string, shape: string, order = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
const six = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);

describe("NumPy's files", () => {
  it("of several arrays, packed, are read as NumPy wrote them", async () => {
    const { tensors, read } = await openNumpy(npz);
    expect(Object.fromEntries([...tensors].map(([name, { dtype, shape }]) => [name, [dtype, shape]]))).toEqual({
      wq: ["F64", [2, 3]],
      half: ["F16", [2, 3]],
      ids: ["I64", [3]],
      scalar: ["F32", []],
      flags: ["BOOL", [2]],
    });
    expect(await read("wq")).toEqual(Float64Array.of(1.5, -2, 3, 4, 5, 6));
    expect(await read("half")).toEqual(Float32Array.of(1.5, -2, 3, 4, 5, 6));
    expect(await read("ids")).toEqual(Float64Array.of(0, 1, 2));
    expect(await read("scalar")).toEqual(Float32Array.of(7));
    expect(await read("flags")).toEqual(Float64Array.of(1, 0));
    await expect(read("wk")).rejects.toThrow(/openNumpy: bytes: wanted one of its 5 tensors/);
  });

  it.each([1, 2, 3])("of one array, version %i, are read", async (version) => {
    const { tensors, read } = await openNumpy(header(dictionary("<f4", "(3, 2)", "True"), six, version));
    expect([...tensors]).toEqual([["array", { dtype: "F32", shape: [3, 2] }]]);
    expect(await read("array")).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
  });

  it.each(
    Object.entries({
      "big-endian numbers": header(dictionary(">f4", "(6,)"), six),
      objects: header(dictionary("|O", "(6,)"), six),
      "complex numbers": header(dictionary("<c8", "(3,)"), six),
      "more numbers than bytes": header(dictionary("<f4", "(7,)"), six),
      "fewer numbers than bytes": header(dictionary("<f4", "(5,)"), six),
      "a negative extent": header(dictionary("<f4", "(-6,)"), six),
      "a huge shape": header(dictionary("<f4", "(99999999999, 99999999999)"), six),
      "code as a header": header("__import__('os').system('ls')", six),
      "a header beyond the end": header(dictionary("<f4", "(6,)"), six).subarray(0, 40),
      "another version": header(dictionary("<f4", "(6,)"), six, 4),
      "an archive without arrays": zip({ "a.txt": six }),
      "another file": six,
      nothing: new Uint8Array(0),
    }),
  )("with %s are refused", async (_, file) => {
    await expect(openNumpy(file)).rejects.toThrow(DataError);
  });

  it("with a wrong checksum are refused when read", async () => {
    const file = header(dictionary("<f4", "(6,)"), six);
    const { read } = await openNumpy(zip({ "w.npy": file }, { "w.npy": { crc: 5 } }));
    await expect(read("w")).rejects.toThrow(/checksum/);
  });
});
