import type { AttentionLayer, StoredMatrix } from "./attention-layer.js";
import type { OnnxGraph, OnnxNode } from "./onnx-graph.js";

/** Operations whose first input alone is handed on; the others are shapes, indices and types. */
const SHAPING = new Set(
  "Reshape Transpose Slice Squeeze Unsqueeze Split Gather Cast Identity Dropout Expand Flatten Pad".split(" "),
);
/** Operations that change neither numbers nor their order. */
const NEUTRAL = new Set(["Cast", "Identity", "Dropout"]);
const PRODUCTS = new Set(["MatMul", "Gemm", "Einsum"]);
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
      if (PRODUCTS.has(node.operation) || node.operation === "Softmax") continue;
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
      return { name: matrix.name, rows, columns, transposed: !flipped, piece, heads: split?.[0] };
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
    const value = values === undefined ? undefined : await this.origin(values);
    if (query === undefined || key === undefined) return undefined;
    const fused = [query, key, value].filter((own): own is Origin => own?.name === query.name);
    const pieces = fused.map(({ piece }) => piece).sort((a, b) => Number(a) - Number(b));
    // one matrix whose pieces cannot be told apart is left to the user
    if (fused.includes(key) && (pieces.includes(undefined) || new Set(pieces).size < pieces.length)) return undefined;
    const matrix = (own: Origin): StoredMatrix => {
      const parts = fused.includes(own) && fused.includes(key) ? fused.length : 1;
      const { name, rows, columns, transposed, piece } = own;
      const first = parts > 1 ? (pieces.indexOf(piece) * rows) / parts : 0;
      return { names: [name], rows: rows / parts, columns, transposed, first, total: rows };
    };
    const { rows } = matrix(query);
    const heads = query.heads !== undefined && rows % query.heads === 0 ? query.heads : undefined;
    return {
      ...{ label, query: matrix(query), key: matrix(key), heads },
      ...(value === undefined ? {} : { value: matrix(value) }),
    };
  }
}

/**
 * The attention layers of a graph: for every softmax over a product of two values, the stored matrices that project
 * these values. Exported graphs often have no other names for them.
 */
export async function attentionOf(graph: OnnxGraph, readWholes: ReadWholes): Promise<AttentionLayer[]> {
  const walker = new Walker(graph, readWholes);
  const layers: AttentionLayer[] = [];
  for (const node of graph.nodes) {
    if (node.operation !== "Softmax" || node.inputs.length === 0) continue;
    const layer = await walker.layer(node, `${layers.length}`);
    if (layer !== undefined) layers.push(layer);
  }
  return layers;
}
