import { readFileSync } from "node:fs";
import { InferenceSession, Tensor } from "onnxruntime-node";
import protobuf from "protobufjs/light.js";
import type { Shape } from "../../src/index.js";

/** The part of onnx.proto that a small graph needs (github.com/onnx/onnx, onnx/onnx.proto). */
const schema = protobuf.Root.fromJSON(
  JSON.parse(readFileSync(new URL("onnx.json", import.meta.url), "utf8")) as protobuf.INamespace,
);

const [FLOAT, INT64] = [1, 7];
const [FLOAT_ATTRIBUTE, INT_ATTRIBUTE, INTS_ATTRIBUTE] = [1, 2, 7];

/** Numbers with a shape. */
export interface Numbers {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

type Attributes = Readonly<Record<string, number | readonly number[]>>;

/** A graph of ONNX's plain operators (opset 17), to be run by onnxruntime in float32. Values are names. */
export class OnnxGraph {
  readonly #nodes: unknown[] = [];
  readonly #initializers = new Map<string, unknown>();
  readonly #inputs: { readonly name: string; readonly feed: Tensor; readonly info: unknown }[] = [];

  constructor(readonly weights: Readonly<Record<string, Numbers>>) {}

  #store(name: string, dims: Shape, dataType: number, values: ArrayBufferView): string {
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.#initializers.set(name, { name, dims, dataType, rawData });
    return name;
  }
  #fresh(): string {
    return `v${this.#nodes.length + this.#initializers.size}`;
  }
  has(name: string): boolean {
    return name in this.weights;
  }
  /** A tensor of the model. */
  weight(name: string): string {
    if (!this.has(name)) throw new Error(`no weight ${name}`);
    const { shape, data } = this.weights[name];
    return this.#store(name, shape, FLOAT, Float32Array.from(data));
  }
  constant(data: readonly number[], shape: Shape = []): string {
    return this.#store(this.#fresh(), shape, FLOAT, Float32Array.from(data));
  }
  integers(data: ArrayLike<number>, shape: Shape = [data.length]): string {
    return this.#store(this.#fresh(), shape, INT64, BigInt64Array.from(Array.from(data, BigInt)));
  }
  input(name: string, { data, shape }: Numbers, type: "float32" | "int64"): string {
    const values = type === "int64" ? BigInt64Array.from(Array.from(data, BigInt)) : Float32Array.from(data);
    const feed = new Tensor(type, values as never, [...shape]);
    const dim = shape.map((dimValue) => ({ dimValue }));
    const tensorType = { elemType: type === "int64" ? INT64 : FLOAT, shape: { dim } };
    this.#inputs.push({ name, feed, info: { name, type: { tensorType } } });
    return name;
  }
  node(opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const output = this.#fresh();
    const attribute = Object.entries(attributes).map(([name, value]) => {
      if (typeof value !== "number") return { name, type: INTS_ATTRIBUTE, ints: value };
      return Number.isInteger(value)
        ? { name, type: INT_ATTRIBUTE, i: value }
        : { name, type: FLOAT_ATTRIBUTE, f: value };
    });
    this.#nodes.push({ opType, input, output: [output], attribute });
    return output;
  }
  reshape(x: string, shape: Shape): string {
    return this.node("Reshape", [x, this.integers(shape)]);
  }
  transpose(x: string, perm: readonly number[]): string {
    return this.node("Transpose", [x], { perm });
  }
  scaled(x: string, factor: number): string {
    return this.node("Mul", [x, this.constant([factor])]);
  }

  async run(output: string): Promise<Float32Array> {
    const type = schema.lookupType("Model");
    const graph = {
      name: "model",
      node: this.#nodes,
      initializer: [...this.#initializers.values()],
      input: this.#inputs.map(({ info }) => info),
      output: [{ name: output, type: { tensorType: { elemType: FLOAT } } }],
    };
    const model = type.fromObject({ irVersion: 8, opsetImport: [{ domain: "", version: 17 }], graph });
    const session = await InferenceSession.create(type.encode(model).finish());
    const results = await session.run(Object.fromEntries(this.#inputs.map(({ name, feed }) => [name, feed])));
    await session.release();
    return results[output].data as Float32Array;
  }
}
