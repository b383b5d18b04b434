import { kernels, type AttentionKernel } from "attention-kernels";
import { flag, oneOf, whole, type Setting } from "../kit/settings.js";

export type Point = readonly [x: number, y: number];

/** What a worker computes. */
export interface Question {
  readonly kernel: string;
  readonly points: readonly Point[];
  readonly parameters: Readonly<Record<string, number>>;
  readonly mask: (typeof masks)[number];
  readonly bias: (typeof biases)[number];
  readonly equalValues: boolean;
  readonly chosen: number;
  readonly target: Point;
}

/** Its answer. */
export interface Seen {
  readonly loss: number;
  /** Null for a kernel without a number for every pair. */
  readonly weights: readonly (readonly number[])[] | null;
  readonly values: readonly Point[];
  readonly outputs: readonly Point[];
  readonly gradients: Readonly<Record<(typeof letters)[number], readonly Point[]>>;
}

export const masks = ["none", "causal", "window"] as const;
export const biases = ["none", "alibi"] as const;
/** Queries, keys, values. */
export const letters = ["q", "k", "v"] as const;
export const kernelNames = Object.keys(kernels);

/** The plane reaches so far from 0. */
export const REACH = 3;

const write = (points: readonly Point[]): string => points.map((point) => point.join("_")).join("~");
const points = (initial: readonly Point[], least: number): Setting<readonly Point[]> => ({
  initial,
  read(text) {
    const read = text.split("~").map((pair) => pair.split("_").map(Number));
    const isRight = read.every((pair) => pair.length === 2 && pair.every((x) => Math.abs(x) <= REACH));
    return isRight && text !== "" && read.length >= least ? (read as unknown as Point[]) : undefined;
  },
  write,
});

export const schema = {
  kernel: oneOf("softmax", kernelNames),
  points: points(
    [
      [-1.6, 0.9],
      [-0.5, 1.7],
      [1.4, 1.2],
      [1.9, -0.7],
      [-0.4, -1.5],
    ],
    2,
  ),
  target: points([[0.2, 0.4]], 1),
  chosen: whole(0, 0, 4),
  mask: oneOf("none", masks),
  bias: oneOf("none", biases),
  equal: flag(false),
  of: oneOf("q", letters),
  set: {
    initial: {},
    read(text: string) {
      const pairs = text.split("~").map((pair) => pair.split("_"));
      const isRight = text !== "" && pairs.every(([name, value]) => name && Number.isFinite(Number(value)));
      return isRight ? Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)])) : undefined;
    },
    write: (own: Readonly<Record<string, number>>) =>
      Object.entries(own)
        .map((pair) => pair.join("_"))
        .join("~"),
  } as Setting<Readonly<Record<string, number>>>,
};

/** What a kernel's page shows of it. */
export interface Described {
  readonly parameters: readonly { readonly name: string; readonly initial: number }[];
  readonly inputs: readonly string[];
  /** Whether masks and biases apply: those of a composed kernel say which they take. */
  readonly takesBias: boolean;
}

/**
 * A kernel's parameters, further inputs and options.
 *
 * @param name its name in the registry
 */
export function describe(name: string): Described {
  const kernel: AttentionKernel = kernels[name]();
  const inputs = (kernel.inputs ?? []).map((input) => input.name);
  if (!("formula" in kernel)) return { parameters: [], inputs, takesBias: kernel.options?.includes("bias") ?? false };
  const parameters = kernel.parameters.map(({ name: own, initial }) => ({
    name: own,
    initial: initial({ batch: 1, heads: 1, queries: 5, keys: 5, dim: 2 }),
  }));
  return { parameters, inputs, takesBias: true };
}
