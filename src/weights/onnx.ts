import { showJson } from "../core/json.js";
import { sizeOf } from "../core/shape.js";
import { sourceOf, type BinaryData } from "./bytes.js";
import { attentionOf } from "./onnx-attention.js";
import type { OnnxGraph, OnnxNode, OnnxTensor } from "./onnx-graph.js";
import { Messages, unpackVarints, type Field, type Span } from "./protobuf.js";
import { refusing, type Refuse } from "./safetensors-header.js";
import { noSuchTensor, type StoredTensors } from "./safetensors.js";
import { decodeNumbers, storedBits, storedBytes, type StoredDType } from "./stored-numbers.js";

const WHERE = "openOnnx";
const DAMAGED = "The file is damaged or no ONNX model: fetch it again, or export it again.";
const EXTERNAL =
  "Write one file, in Python: onnx.save(onnx.load(path), out). onnx.load reads the file with the numbers.";

/*
 * Numbers of the fields that are read. Source: onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
const MODEL = { graph: 7 } as const;
const GRAPH = { node: 1, initializer: 5 } as const;
const NODE = { input: 1, output: 2, operation: 4, attribute: 5 } as const;
const ATTRIBUTE = { name: 1, whole: 3, tensor: 5, wholes: 8 } as const;
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9, external: 13, location: 14 } as const;

/** A type of numbers by ONNX's number of it, and the field that holds it where they are not raw. */
const dtypes: Readonly<Partial<Record<number, readonly [dtype: StoredDType, typed: number]>>> = {
  1: ["F32", 4],
  2: ["U8", 5],
  3: ["I8", 5],
  4: ["U16", 5],
  5: ["I16", 5],
  6: ["I32", 5],
  7: ["I64", 7],
  9: ["BOOL", 5],
  10: ["F16", 5],
  11: ["F64", 10],
  12: ["U32", 11],
  13: ["U64", 11],
  16: ["BF16", 5],
  17: ["F8_E4M3", 5],
  18: ["F8_E4M3FNUZ", 5],
  19: ["F8_E5M2", 5],
  20: ["F8_E5M2FNUZ", 5],
};
/** Most axes of a tensor; NumPy allows as many. */
const MOST_AXES = 64;
/** Types of the numbers of shapes and indices. */
const INTEGERS: readonly string[] = ["I32", "I64"];
/** The type of tensors that say none. */
const UNDEFINED = 0;
/** Fields of numbers whose bytes are those of the raw form. */
const FLAT = [4, 10];

const only = (fields: readonly Field[], number: number): Field[] => fields.filter((field) => field.number === number);

/** Reads graphs without their numbers. */
class Reader {
  readonly tensors = new Map<string, OnnxTensor>();

  constructor(
    readonly messages: Messages,
    readonly refuse: Refuse,
  ) {}

  /** The tensor of a message; nothing for texts and numbers that no type of this library holds. */
  async addTensor(span: Span, given?: string): Promise<void> {
    const fields = await this.messages.fields(span);
    const last = (number: number): Field | undefined => only(fields, number).at(-1);
    const named = last(TENSOR.name);
    const name = given ?? (named === undefined ? "" : await this.messages.text(named));
    const about = `tensor ${showJson(name)}`;
    if (last(TENSOR.external) !== undefined || last(TENSOR.location)?.value === 1)
      throw this.refuse("tensors within the file", `${about}, whose numbers are in another file`, EXTERNAL);
    const type = dtypes[last(TENSOR.type)?.value ?? UNDEFINED];
    if (type === undefined) return;
    const [dtype, typed] = type;
    const shape = await this.messages.wholes(only(fields, TENSOR.dims));
    const bytes = storedBytes(dtype, sizeOf(shape));
    if (shape.length > MOST_AXES || !shape.every((extent) => extent >= 0) || !Number.isSafeInteger(bytes))
      throw this.refuse(`at most ${MOST_AXES} whole extents in the shape of ${about}`, showJson(shape));
    const own = fields.filter(({ number }) => number === TENSOR.raw || number === typed);
    if (own.length > 1 || own.some(({ hasLength }) => !hasLength))
      throw this.refuse(`the numbers of ${about} in one packed field`, `${own.length} fields`);
    const place = own[0] ?? { begin: 0, end: 0, number: TENSOR.raw };
    const isPacked = place.number !== TENSOR.raw && !FLAT.includes(typed);
    const size = place.end - place.begin;
    if (isPacked ? size < sizeOf(shape) : size !== bytes)
      throw this.refuse(`${isPacked ? sizeOf(shape) : bytes} bytes for ${about} of ${dtype}`, `${size}`);
    if (this.tensors.has(name)) throw this.refuse("names that differ", `two tensors ${showJson(name)}`);
    this.tensors.set(name, { dtype, shape, place, isPacked });
  }

  async texts(fields: readonly Field[]): Promise<string[]> {
    const texts: string[] = [];
    for (const field of fields) texts.push(await this.messages.text(field));
    return texts;
  }

  /** An operation; the tensor of a constant counts as stored under the name of its output. */
  async node(span: Span): Promise<OnnxNode> {
    const fields = await this.messages.fields(span);
    const [operation = ""] = await this.texts(only(fields, NODE.operation));
    const inputs = await this.texts(only(fields, NODE.input));
    const outputs = await this.texts(only(fields, NODE.output));
    const attributes: Record<string, readonly number[]> = {};
    for (const attribute of only(fields, NODE.attribute)) {
      const own = await this.messages.fields(attribute);
      const [name = ""] = await this.texts(only(own, ATTRIBUTE.name));
      const wholes = own.filter(({ number }) => number === ATTRIBUTE.whole || number === ATTRIBUTE.wholes);
      if (wholes.length > 0 && name !== "__proto__") attributes[name] = await this.messages.wholes(wholes);
      if (operation === "Constant" && name === "value" && outputs.length === 1)
        for (const tensor of only(own, ATTRIBUTE.tensor)) await this.addTensor(tensor, outputs[0]);
    }
    return { operation, inputs, outputs, attributes };
  }

  async graph(): Promise<OnnxGraph> {
    const graphs = only(await this.messages.fields(), MODEL.graph);
    if (graphs.length !== 1) throw this.refuse("an ONNX model, with one graph", `a message with ${graphs.length}`);
    const fields = await this.messages.fields(graphs[0]);
    for (const tensor of only(fields, GRAPH.initializer)) await this.addTensor(tensor);
    const nodes: OnnxNode[] = [];
    for (const node of only(fields, GRAPH.node)) nodes.push(await this.node(node));
    return { nodes, tensors: this.tensors };
  }
}

/**
 * Opens `data`, an ONNX model: gives its initialisers and the tensors of its constants, each under the name that the
 * graph uses, and the attention layers of the graph. Reads the graph without the numbers; tensors are read on demand,
 * one at a time. Tensors of texts, of complex numbers and of 4-bit numbers, and those of graphs within graphs, are left
 * out.
 *
 * @throws DataError for damaged files, for numbers in another file (external data), and for other formats.
 * @example
 * const weights = await openOnnx(await readFile("model.onnx"));
 * const numbers = await weights.read("encoder.layers.0.self_attn.in_proj_weight");
 */
export async function openOnnx(data: BinaryData): Promise<StoredTensors> {
  const source = sourceOf(WHERE, data);
  const refusal = refusing(WHERE, source.name);
  const refuse: Refuse = (wanted, got, fix = DAMAGED) => refusal(wanted, got, fix);
  const graph = await new Reader(new Messages(source, refuse), refuse).graph();
  const { tensors } = graph;
  const read = async (name: string): Promise<Float32Array | Float64Array> => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw noSuchTensor(WHERE, source.name, name, tensors);
    const { dtype, shape, place, isPacked } = tensor;
    const stored = await source.read(place.begin, place.end);
    const width = storedBits[dtype] / 8;
    const bytes = isPacked ? unpackVarints(stored, sizeOf(shape), width) : stored;
    if (bytes?.length !== storedBytes(dtype, sizeOf(shape)))
      throw refuse(`${sizeOf(shape)} numbers in tensor ${showJson(name)}`, "more or fewer");
    return decodeNumbers(WHERE, name, dtype, bytes);
  };
  const attention = await attentionOf(graph, async (name) => {
    const tensor = tensors.get(name);
    const isShape = tensor !== undefined && INTEGERS.includes(tensor.dtype) && sizeOf(tensor.shape) <= MOST_AXES;
    return isShape ? Array.from(await read(name)) : undefined;
  });
  return {
    tensors: new Map([...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }])),
    metadata: {},
    ...(attention.length > 0 ? { attention } : {}),
    read,
  };
}
