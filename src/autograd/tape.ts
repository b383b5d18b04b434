import { checkTensors, commonBackend } from "../core/checks.js";
import { UnsupportedError } from "../core/errors.js";
import { openTapes } from "../core/open-tapes.js";
import { isScoped, Tensor, type Primitive } from "../core/tensor.js";
import type { Shape } from "../core/shape.js";

/** What a derivative rule may use. Rules are written with differentiable operations and never read data. */
export interface Application<Attributes> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attributes: Attributes;
  /** Whether the gradient of input `index` is needed. */
  readonly needs: (index: number) => boolean;
}

/**
 * A primitive with its derivative: from the cotangents of the outputs (undefined where nothing depends on one), the
 * cotangents of the inputs (vector-Jacobian product). An input without a gradient gets undefined.
 */
export interface Differentiable<Attributes> extends Primitive<Attributes> {
  readonly vjp?: (
    application: Application<Attributes>,
    ...cotangents: readonly (Tensor | undefined)[]
  ) => readonly (Tensor | undefined)[];
}

interface Node {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly pullback: ((cotangents: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[]) | undefined;
}

/** The list of operations that depend on the tensors it watches, in the order they ran. */
export class Tape {
  readonly #watched: Set<Tensor>;
  readonly #nodes: Node[] = [];

  constructor(watched: readonly Tensor[]) {
    this.#watched = new Set(watched);
  }

  watches(tensor: Tensor): boolean {
    return this.#watched.has(tensor);
  }

  record(node: Node): void {
    if (!node.inputs.some((input) => this.#watched.has(input))) return;
    this.#nodes.push(node);
    for (const output of node.outputs) this.#watched.add(output);
  }

  /**
   * Cotangents of everything that `output` depends on, from that of `output`. Frees what it has gone through, unless
   * another tape records.
   */
  pull(output: Tensor, cotangent: Tensor, accumulate: (a: Tensor, b: Tensor) => Tensor): Map<Tensor, Tensor> {
    const cotangents = new Map([[output, cotangent]]);
    for (const node of [...this.#nodes].reverse()) {
      const incoming = node.outputs.map((tensor) => cotangents.get(tensor));
      if (incoming.every((tensor) => tensor === undefined)) continue;
      if (node.pullback === undefined) {
        throw new UnsupportedError({
          where: node.name,
          wanted: "an operation with a derivative",
          got: "one without",
          fix:
            "Second derivatives are not available through it: take differences of gradients, or compose the " +
            "forward pass of operations that have them.",
        });
      }
      node.pullback(incoming).forEach((gradient, index) => {
        const input = node.inputs[index];
        if (gradient === undefined || !this.#watched.has(input)) return;
        const sum = cotangents.get(input);
        cotangents.set(input, sum === undefined ? gradient : accumulate(sum, gradient));
      });
      for (const spent of node.outputs) {
        forget(cotangents, spent);
        // No remaining node reads it: only nodes computed from it did.
        if (spent !== output && !isRecording() && isScoped(spent)) spent.dispose();
      }
    }
    return cotangents;
  }
}

/** Frees a cotangent that has been passed on, unless it was passed on as it is, or an outer tape may want it. */
function forget(cotangents: Map<Tensor, Tensor>, tensor: Tensor): void {
  const cotangent = cotangents.get(tensor);
  cotangents.delete(tensor);
  if (cotangent === undefined || isRecording() || [...cotangents.values()].includes(cotangent)) return;
  cotangent.dispose();
}

const tapes = openTapes as Tape[];

/** Runs `body` with `tape` recording. */
export function recording<Result>(tape: Tape, body: () => Result): Result {
  tapes.push(tape);
  try {
    return body();
  } finally {
    tapes.splice(tapes.indexOf(tape), 1);
  }
}

/** Whether any tape is open, so that intermediate tensors may still be needed. */
export function isRecording(): boolean {
  return tapes.length > 0;
}

/** Runs a primitive and records it on the open tapes, which keep the arrays of inputs and outputs. */
export function apply<Attributes>(
  primitive: Differentiable<Attributes>,
  operands: readonly Tensor[],
  attributes: Attributes,
): readonly Tensor[] {
  const inputs = [...operands]; // the caller's own array may change before a tape comes back to it
  const outputs = commonBackend(primitive.operation?.(attributes) ?? primitive.name, inputs).run(
    primitive,
    inputs,
    attributes,
  );
  const { vjp } = primitive;
  for (const tape of tapes) {
    const needs = (index: number): boolean => tape.watches(inputs[index]);
    const pullback =
      vjp &&
      ((cotangents: readonly (Tensor | undefined)[]) => vjp({ inputs, outputs, attributes, needs }, ...cotangents));
    tape.record({ name: primitive.name, inputs, outputs, pullback });
  }
  return outputs;
}

/** The same numbers under another shape; costs nothing. */
export function view(tensor: Tensor, shape: Shape): Tensor {
  const output = new Tensor(tensor.backend, shape, tensor);
  for (const tape of tapes) {
    tape.record({
      name: "reshape",
      inputs: [tensor],
      outputs: [output],
      pullback: ([cotangent]) => [cotangent && view(cotangent, tensor.shape)],
    });
  }
  return output;
}

/** The numbers of `tensor`, through which no gradient flows. */
export function stopGradient(tensor: Tensor): Tensor {
  checkTensors("stopGradient", { tensor });
  return new Tensor(tensor.backend, tensor.shape, tensor);
}

/** Watches nothing: while it records, no other tape frees what it goes through. */
export const keeping = new Tape([]);
