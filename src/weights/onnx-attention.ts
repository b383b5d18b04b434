import type { AttentionLayer, StoredMatrix } from "./attention-layer.js";
import type { OnnxGraph, OnnxNode } from "./onnx-graph.js";

/** Operations whose first input alone is handed on; the others are shapes, indices and types. */
const SHAPING = new Set(
  "Reshape Transpose Slice Squeeze Unsqueeze Split Gather Cast Identity Dropout Expand Flatten Pad".split(" "),
);
/** Operations that change neither numbers nor their order. */
const NEUTRAL = new Set(["Cast", "Identity", "Dropout"]);
const PRODUCTS = new Set(["MatMul", "Gemm", "Einsum"]);
/** Operators for attention, of ONNX from version 23 on and of onnxruntime. */
const OPERATORS = new Set(["Attention", "PackedAttention", "MultiHeadAttention", "GroupQueryAttention"]);
/** Most operations that are looked at between a score and a projection; rotary positions and norms have some twenty. */
const FARTHEST = 200;
/** Most numbers of a shape that is given piece by piece. */
const PIECES = 8;

/** A projection that a walk from scores back ended at. */
interface Origin {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly transposed: boolean;
  /** Where a piece of the projection was cut out: an index, or the first place. */
  readonly piece: number | undefined;
  readonly heads: number | undefined;
  /** The heads among which all rows are divided before they are cut, as where pieces alternate from head to head. */
  readonly divided: number | undefined;
}

/** Place of a walk, and what was met on its way. */
interface Step {
  readonly value: string;
  readonly piece?: number;
  readonly shapes: readonly (readonly number[])[];
}

/** Reads a small tensor of whole numbers; undefined for others. */
type ReadWholes = (name: string) => Promise<readonly number[] | undefined>;

class Walker {
  readonly producers = new Map<string, OnnxNode>();
  readonly consumers = new Map<string, OnnxNode[]>();

  constructor(
    readonly graph: OnnxGraph,
    readonly readWholes: ReadWholes,
  ) {
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.producers.set(output, node);
      for (const input of node.inputs) {
        const others = this.consumers.get(input);
        if (others === undefined) this.consumers.set(input, [node]);
        else others.push(node);
      }
    }
  }

  /** A stored matrix, itself or through operations that keep its numbers, and whether it is transposed on the way. */
  stored(value: string | undefined): { readonly name: string; readonly flipped: boolean } | undefined {
    let [at, flipped] = [value, false];
    for (let step = 0; step < FARTHEST && at !== undefined; step++) {
      const tensor = this.graph.tensors.get(at);
      if (tensor !== undefined) return tensor.shape.length === 2 ? { name: at, flipped } : undefined;
      const node = this.producers.get(at);
      if (node === undefined || !(NEUTRAL.has(node.operation) || node.operation === "Transpose")) return undefined;
      if (node.operation === "Transpose") flipped = !flipped;
      at = node.inputs[0];
    }
    return undefined;
  }

  /** Numbers of a shape, of which those that depend on the input are NaN; a shape may be joined of `pieces`. */
  async wholes(value: string, pieces = PIECES): Promise<readonly number[]> {
    let at = value;
    for (let step = 0; step < PIECES; step++) {
      const known = await this.readWholes(at);
      if (known !== undefined) return known;
      const node = this.producers.get(at);
      if (node?.operation === "Concat" && node.inputs.length <= pieces)
        return (await Promise.all(node.inputs.map((input) => this.wholes(input, 0)))).flat();
      if (node === undefined || !(NEUTRAL.has(node.operation) || node.operation === "Unsqueeze")) break;
      at = node.inputs[0];
    }
    return [NaN];
  }

  /** Where an operation cuts a piece out of its input; undefined if it does not. */
  async pieceOf(node: OnnxNode, value: string): Promise<number | undefined> {
    if (node.operation === "Split") return node.outputs.indexOf(value);
    if (node.operation !== "Slice" && node.operation !== "Gather") return undefined;
    const [first] = node.attributes["starts"] ?? (await this.wholes(node.inputs[1] ?? ""));
    return first;
  }

  /** The nearest of the operations that a value comes from which `isWanted`; never beyond a product or a softmax. */
  async back<Found>(
    value: string,
    isWanted: (node: OnnxNode, step: Step) => Promise<Found | undefined> | Found | undefined,
  ): Promise<Found | undefined> {
    const queue: Step[] = [{ value, shapes: [] }];
    const seen = new Set<string>();
    for (let at = 0; at < queue.length && at < FARTHEST; at++) {
      const step = queue[at];
      const node = this.producers.get(step.value);
      if (node === undefined || seen.has(step.value)) continue;
      seen.add(step.value);
      const found = await isWanted(node, step);
      if (found !== undefined) return found;
      if (PRODUCTS.has(node.operation) || OPERATORS.has(node.operation) || node.operation === "Softmax") continue;
      const piece = step.piece ?? (await this.pieceOf(node, step.value));
      const shapes =
        node.operation === "Reshape" && node.inputs.length > 1
          ? [...step.shapes, await this.wholes(node.inputs[1])]
          : step.shapes;
      for (const input of SHAPING.has(node.operation) ? node.inputs.slice(0, 1) : node.inputs)
        queue.push({ value: input, piece, shapes });
    }
    return undefined;
  }

  /** The projection, a product with a stored matrix, that a side of a product comes from. */
  origin(value: string): Promise<Origin | undefined> {
    return this.back(value, (node, { piece, shapes }) => {
      if (node.operation !== "MatMul" && node.operation !== "Gemm") return undefined;
      const matrix = this.stored(node.inputs[1]);
      if (matrix === undefined) return undefined;
      const flipped = matrix.flipped !== (node.operation === "Gemm" && node.attributes["transB"]?.[0] === 1);
      const [a, b] = this.graph.tensors.get(matrix.name)!.shape;
      const [rows, columns] = flipped ? [a, b] : [b, a];
      // the last two extents of [batch, tokens, heads, width], or of [batch, tokens, 3, heads, width]
      const split = shapes
        .map((shape) => shape.slice(-2))
        .filter(([heads, dim]) => heads >= 1 && dim >= 1 && rows % (heads * dim) === 0)
        .at(-1);
      const divided = shapes.map((shape) => dividedAmong(shape, rows)).at(-1);
      return { name: matrix.name, rows, columns, transposed: !flipped, piece, heads: split?.[0], divided };
    });
  }

  /** The values that a softmax weights: the other side of the product that takes its result. */
  values(softmax: OnnxNode): string | undefined {
    let outputs = softmax.outputs;
    for (let step = 0; step < PIECES; step++) {
      const next = outputs.flatMap((output) => this.consumers.get(output) ?? []);
      const product = next.find(({ operation }) => PRODUCTS.has(operation));
      if (next.length > FARTHEST) return undefined;
      if (product !== undefined) return product.inputs.find((input) => !outputs.includes(input));
      outputs = next.flatMap((node) => node.outputs);
    }
    return undefined;
  }

  /** The attention layer of a softmax over scores of queries and keys; undefined for any other softmax. */
  async layer(softmax: OnnxNode, label: string): Promise<AttentionLayer | undefined> {
    const scores = await this.back(softmax.inputs[0], (node) => (PRODUCTS.has(node.operation) ? node : undefined));
    if (scores === undefined || scores.inputs.length !== 2 || this.stored(scores.inputs[1]) !== undefined)
      return undefined;
    const [query, key] = await Promise.all(scores.inputs.map((input) => this.origin(input)));
    const values = this.values(softmax);
    return layerOf(label, [query, key, values === undefined ? undefined : await this.origin(values)]);
  }

  /** The attention layer of one of ONNX's operators for it; undefined if its matrices are not stored. */
  async operator({ operation, inputs, attributes }: OnnxNode, label: string): Promise<AttentionLayer | undefined> {
    const [heads] = attributes["num_heads"] ?? attributes["q_num_heads"] ?? [];
    const weights = /^(?:Packed)?Attention$/.test(operation) ? this.stored(inputs[1]) : undefined;
    if (weights !== undefined) {
      const [a, b] = this.graph.tensors.get(weights.name)!.shape;
      const [rows, columns] = weights.flipped ? [a, b] : [b, a];
      const whole = { names: [weights.name], columns, transposed: !weights.flipped, total: rows };
      return stacked(label, whole, attributes["qkv_hidden_sizes"] ?? [rows / 3, rows / 3, rows / 3], heads);
    }
    const origins = await Promise.all(
      [0, 1, 2].map((at) => (inputs[at] ? this.origin(inputs[at]) : Promise.resolve(undefined))),
    );
    const [query, key] = origins;
    if (query === undefined) return undefined;
    if (inputs[1] && inputs[2]) return layerOf(label, origins, heads);
    if (operation === "GroupQueryAttention" && !inputs[1]) {
      const [shared] = attributes["kv_num_heads"] ?? [NaN];
      const dim = query.rows / (heads + 2 * shared);
      return stacked(label, wholeOf(query), [heads * dim, shared * dim, shared * dim], heads);
    }
    // one matrix of [heads, 3, dim] rows, or queries and one of [heads, 2, dim]
    const own = key ?? query;
    const count = key === undefined ? 3 : 2;
    const rows = own.rows / count;
    const at = (part: number): StoredMatrix => ({ ...wholeOf(own), rows, first: part * rows, alternating: count });
    const first = key === undefined ? at(0) : { ...wholeOf(query), rows: query.rows, first: 0 };
    return inputs[1] && key === undefined
      ? undefined
      : { label, query: first, key: at(count - 2), value: at(count - 1), heads };
  }
}

const wholeOf = ({ name, rows, columns, transposed }: Origin) => ({ names: [name], columns, transposed, total: rows });

/** A layer whose W_q, W_k and W_v have these numbers of rows below each other in one matrix. */
function stacked(
  label: string,
  whole: ReturnType<typeof wholeOf>,
  sizes: readonly number[],
  heads: number | undefined,
): AttentionLayer | undefined {
  const [query, key, value] = sizes.map((rows, at): StoredMatrix => {
    const first = sizes.slice(0, at).reduce((sum, size) => sum + size, 0);
    return { ...whole, rows, first };
  });
  const isWhole = sizes.length === 3 && sizes.every((rows) => Number.isInteger(rows) && rows > 0);
  return isWhole && value.first + value.rows === whole.total ? { label, query, key, value, heads } : undefined;
}

/** The heads of a shape [.., heads, 3 · dim] or [.., heads, 3, dim] of so many rows; undefined for another shape. */
function dividedAmong(shape: readonly number[], rows: number): number | undefined {
  const [heads, pieces, dim] = shape.slice(-3);
  if (shape.length >= 3 && pieces === 3 && heads * pieces * dim === rows) return heads;
  const [outer, inner] = shape.slice(-2);
  return outer > 1 && outer * inner === rows ? outer : undefined;
}

/** The layer of projections that are matrices of their own, or pieces of one; undefined where they cannot be told. */
function layerOf(
  label: string,
  [query, key, value]: readonly (Origin | undefined)[],
  given?: number,
): AttentionLayer | undefined {
  if (query === undefined || key === undefined) return undefined;
  const fused = [query, key, value].filter((own): own is Origin => own?.name === query.name);
  const pieces = fused.map(({ piece }) => piece).sort((a, b) => Number(a) - Number(b));
  // one matrix whose pieces cannot be told apart is left to the user
  if (fused.includes(key) && (pieces.includes(undefined) || new Set(pieces).size < pieces.length)) return undefined;
  const alternates = fused.length === 3 && fused.includes(key) && query.divided !== undefined;
  // [3, width] and [3 heads, 3 · dim] look alike
  if (alternates && query.divided === 3) return undefined;
  const matrix = (own: Origin): StoredMatrix => {
    const parts = fused.includes(own) && fused.includes(key) ? fused.length : 1;
    const { name, rows, columns, transposed, piece } = own;
    const first = parts > 1 ? (pieces.indexOf(piece) * rows) / parts : 0;
    const place = { names: [name], rows: rows / parts, columns, transposed, first, total: rows };
    return alternates ? { ...place, alternating: parts } : place;
  };
  const { rows } = matrix(query);
  const counted = alternates ? query.divided : given;
  const heads = counted ?? (query.heads !== undefined && rows % query.heads === 0 ? query.heads : undefined);
  const layer = { label, query: matrix(query), key: matrix(key), heads };
  return value === undefined ? layer : { ...layer, value: matrix(value) };
}

/**
 * The attention layers of a graph: for every softmax over a product of two values, and for every operator for
 * attention, the stored matrices that project these values. Exported graphs often have no other names for them. None if
 * the matrices of an operator are not found, so that no layer is missing unnoticed.
 */
export async function attentionOf(graph: OnnxGraph, readWholes: ReadWholes): Promise<AttentionLayer[]> {
  const walker = new Walker(graph, readWholes);
  const layers: AttentionLayer[] = [];
  for (const node of graph.nodes) {
    const isOperator = OPERATORS.has(node.operation);
    if ((node.operation !== "Softmax" && !isOperator) || node.inputs.length === 0) continue;
    const label = `${layers.length}`;
    const layer = await (isOperator ? walker.operator(node, label) : walker.layer(node, label));
    if (layer !== undefined) layers.push(layer);
    else if (isOperator) return [];
  }
  return layers;
}
