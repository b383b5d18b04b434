import { indices, lengths, type Backend, type Indices, type ParameterTree, type Tensor } from "../../src/index.js";
import { stateDict, type TransformerModel } from "../../src/nn/index.js";
import {
  encodeSafetensors,
  loadTransformer,
  openSafetensors,
  type LoadedTransformer,
} from "../../src/weights/index.js";
import type { StoredModel } from "./stored-models/shared.js";

/** The weights of a model but one. */
export const without = ({ weights }: StoredModel, name: string): StoredModel["weights"] =>
  Object.fromEntries(Object.entries(weights).filter(([own]) => own !== name));

/** All numbers of a tree. */
export const numbersOf = async (tree: ParameterTree): Promise<number[]> =>
  Object.values(await stateDict(tree)).flatMap(({ data }) => Array.from(data));

/** Writes a model as a file and loads it. */
export const load = async (backend: Backend, { weights, config }: StoredModel): Promise<LoadedTransformer> =>
  loadTransformer(backend, await openSafetensors(encodeSafetensors(weights)), config);

/** The input of a model on a backend. */
export const inputOf = (backend: Backend, { input: { kind, data, shape } }: StoredModel): Indices | Tensor =>
  kind === "ids" ? indices(data, shape) : backend.tensor(data, shape);

/** What the head gives for the model's input. */
export function run(model: TransformerModel, backend: Backend, stored: StoredModel): Tensor {
  const { types, lengths: keys } = stored;
  return model.apply(model.parameters, inputOf(backend, stored), {
    ...(types === undefined ? {} : { types: indices(types.data, types.shape) }),
    ...(keys === undefined ? {} : { mask: lengths({ keys }) }),
  });
}
