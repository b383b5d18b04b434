import { readFileSync } from "node:fs";
import protobuf from "protobufjs/light.js";

/** The part of onnx.proto that small graphs need (github.com/onnx/onnx, onnx/onnx.proto). */
const schema = protobuf.Root.fromJSON(
  JSON.parse(readFileSync(new URL("onnx.json", import.meta.url), "utf8")) as protobuf.INamespace,
);

/** A TensorProto by the names of its fields. */
export type TensorFields = Readonly<Record<string, unknown>>;

/** A NodeProto by the names of its fields. */
export interface NodeFields {
  readonly opType: string;
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly attribute?: readonly Readonly<Record<string, unknown>>[];
}

/** Bytes of a model with these fields. */
export function encodeModel(model: Readonly<Record<string, unknown>>): Uint8Array {
  const type = schema.lookupType("Model");
  return type.encode(type.fromObject(model)).finish();
}

/** Bytes of a model whose graph has these initialisers and operations. */
export const onnx = (initializer: readonly TensorFields[], node: readonly NodeFields[] = []): Uint8Array =>
  encodeModel({ irVersion: 8, graph: { name: "g", node, initializer }, opsetImport: [{ domain: "", version: 17 }] });

/** Single-precision numbers as bytes. */
export const raw = (numbers: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(numbers).buffer);

/** An initialiser of single-precision numbers. */
export const floatTensor = (name: string, dims: readonly number[], numbers: ArrayLike<number>): TensorFields => ({
  name,
  dims,
  dataType: 1,
  rawData: raw(numbers),
});
