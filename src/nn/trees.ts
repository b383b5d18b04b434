import { view } from "../autograd/tape.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { isTensor } from "../core/is-tensor.js";
import { callable, flag, record } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { formatShape, sameShape, type Shape } from "../core/shape.js";
import type { ParameterTree, Tensor } from "../core/tensor.js";
import { mapTree as mapLeaves } from "../core/tree.js";

/**
 * A copy of a tree with every tensor replaced. `change` gets the tensor and its name, such as "layers.0.norm.scale".
 *
 * @example
 * const halves = mapTree(parameters, (tensor) => ops.cast(tensor, "f16"));
 */
export function mapTree<Tree extends ParameterTree>(
  tree: Tree,
  change: (tensor: Tensor, name: string) => Tensor,
): Tree {
  checkArguments("mapTree", { change }, { change: callable });
  return mapLeaves(tree, isTensor, (tensor, path) => change(tensor, path.join("."))) as Tree;
}

/**
 * A copy of a tree that later steps of an optimiser do not change, for example to keep the best parameters. Until then
 * both share their memory, so that a copy costs nothing.
 */
export function cloneTree<Tree extends ParameterTree>(tree: Tree): Tree {
  return mapTree(tree, (tensor) => tensor.backend.keep(view(tensor, tensor.shape)));
}

/** The tensors of a tree by their names, such as "layers.0.norm.scale", as numbers: what `encodeSafetensors` takes. */
export type StateDict = Record<string, { readonly shape: Shape; readonly data: Float32Array | Float64Array }>;

/** Numbers by name: a `StateDict`, or a file that `openSafetensors` opened. */
export type StateSource =
  | Readonly<Record<string, { readonly shape: Shape; readonly data: ArrayLike<number> }>>
  | {
      readonly tensors: ReadonlyMap<string, { readonly shape: Shape }>;
      readonly read: (name: string) => Promise<ArrayLike<number>>;
    };

function named(tree: ParameterTree): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  mapTree(tree, (tensor, name) => {
    tensors.set(name, tensor);
    return tensor;
  });
  return tensors;
}

/**
 * Reads the tensors of a tree.
 *
 * @example
 * await writeFile("model.safetensors", encodeSafetensors(await stateDict(parameters)));
 */
export async function stateDict(tree: ParameterTree): Promise<StateDict> {
  const entries = [...named(tree)].map(async ([name, tensor]) => {
    return [name, { shape: tensor.shape, data: await tensor.read() }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Options of `loadStateDict`. */
export interface LoadOptions {
  /** Refuse a source that lacks a name of the tree, or has another. Default true. */
  readonly strict?: boolean;
}

const isFile = (source: StateSource): source is Extract<StateSource, { readonly tensors: unknown }> =>
  "read" in source && typeof source.read === "function";

/**
 * Replaces the numbers of the tensors of a tree by those of the same name. Changes all of them, or none if it throws.
 *
 * @param tree parameters, changed in place
 * @param source what `stateDict` gave, or a file that `openSafetensors` opened
 * @returns the names that only the tree has, and those that only the source has
 * @throws ArgumentError for missing or unknown names unless `strict` is false, ShapeError for another shape,
 * NonFiniteError for NaN and infinity.
 * @example
 * await loadStateDict(parameters, await openSafetensors(await readFile("model.safetensors")));
 */
export async function loadStateDict(
  tree: ParameterTree,
  source: StateSource,
  options: LoadOptions = {},
): Promise<{ readonly missing: readonly string[]; readonly unknown: readonly string[] }> {
  const where = "loadStateDict";
  checkArguments(where, { source }, { source: record });
  const { strict = true } = checkOptions(where, options, { strict: flag });
  const own = named(tree);
  const shapes = new Map<string, { readonly shape: Shape }>(isFile(source) ? source.tensors : Object.entries(source));
  const missing = [...own.keys()].filter((name) => !shapes.has(name));
  const unknown = [...shapes.keys()].filter((name) => !own.has(name));
  if (strict && missing.length + unknown.length > 0) {
    const listed = (names: readonly string[]): string =>
      names.slice(0, 3).join(", ") + (names.length > 3 ? `, and ${names.length - 3} more` : "");
    throw new ArgumentError({
      where,
      argument: "source",
      wanted: `the ${own.size} names of the tree`,
      got: [
        ...(missing.length > 0 ? [`none of ${listed(missing)}`] : []),
        ...(unknown.length > 0 ? [`also ${listed(unknown)}`] : []),
      ].join("; "),
      fix: "Pass { strict: false } to take those that fit.",
    });
  }
  const fitting = [...own].filter(([name]) => shapes.has(name));
  for (const [name, { shape }] of fitting) {
    const stored = shapes.get(name)!.shape;
    if (sameShape(stored, shape)) continue;
    throw new ShapeError({ where, argument: name, wanted: formatShape(shape), got: formatShape(stored) });
  }
  const loaded = await Promise.all(
    fitting.map(async ([name]) => (isFile(source) ? await source.read(name) : source[name].data)),
  );
  const made: Tensor[] = [];
  try {
    fitting.forEach(([, { backend, shape, dtype }], at) =>
      made.push(backend.keep(backend.tensor(loaded[at], shape, { dtype }))),
    );
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
  fitting.forEach(([, tensor], at) => tensor.assign(made[at]));
  return { missing, unknown };
}
