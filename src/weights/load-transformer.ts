import { ArgumentError } from "../core/errors.js";
import { backend as backendKind, having, record } from "../core/kinds.js";
import { showJson } from "../core/json.js";
import { checkArguments } from "../core/options.js";
import { isTensor } from "../core/is-tensor.js";
import { formatShape, sameShape, sizeOf, type Shape } from "../core/shape.js";
import { disposeTree, type Backend, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";
import { softmax } from "../kernels/softmax.js";
import { transformerModel, headSizes, type ModelParameters, type TransformerModel } from "../nn/model.js";
import type { ModelDesign } from "../nn/model-parts.js";
import { multiHead } from "../nn/multi-head.js";
import { readFinite } from "./projections.js";
import { scaledFrequencies } from "./rotary-scaling.js";
import { families } from "./families.js";
import type { Facts, Family } from "./family.js";
import { gathered } from "./gather.js";
import { readFacts, WHERE, type TransformerConfig } from "./model-facts.js";
import { planModel, refuse, type Leaf, type ModelPlan, type Tensors } from "./model-plan.js";
import type { StoredTensors } from "./safetensors.js";

/** A model of a file, as `loadTransformer` returns it. */
export interface LoadedTransformer extends TransformerModel {
  /** Whose names and computation the file has. */
  readonly family: string;
  /** The head, undefined for a model that gives tokens. */
  readonly head: string | undefined;
  /** The names of the file's tensors that the model does not use, such as those of another head. */
  readonly unused: readonly string[];
  /** The tensors of `parameters` under the names and in the layout of the file, for `encodeSafetensors`. */
  store(parameters: ModelParameters): Promise<Record<string, { readonly shape: Shape; readonly data: Float64Array }>>;
}

interface Candidate {
  readonly family: Family;
  readonly prefix: string;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The families whose marks a file has, with the prefixes of their names; not those with some marks of another. */
function candidatesIn(tensors: Tensors): Candidate[] {
  const names = [...tensors.keys()];
  const found = families.flatMap((family) => {
    const [mark, ...others] = family.marks.map((name) => name.replace("#", "0"));
    const pattern = new RegExp(`^((?:.*\\.)?)${escaped(mark)}$`);
    return names.flatMap((name) => {
      const prefix = pattern.exec(name)?.[1];
      return prefix !== undefined && others.every((other) => tensors.has(prefix + other)) ? [{ family, prefix }] : [];
    });
  });
  const isPartOf = (own: Family, other: Family): boolean =>
    own.marks.length < other.marks.length && own.marks.every((mark) => other.marks.includes(mark));
  return found.filter((own) => !found.some((more) => more.prefix === own.prefix && isPartOf(own.family, more.family)));
}

function chooseFamily(tensors: Tensors, { model_type: type, prefix }: TransformerConfig): Candidate {
  const found = candidatesIn(tensors);
  if (found.length === 0) {
    throw refuse(
      "stored",
      `a model of ${families.map(({ name }) => name).join(", ")}`,
      `tensors such as ${[...tensors.keys()].slice(0, 4).map(showJson).join(", ") || "none"}`,
    );
  }
  const placed = prefix === undefined ? found : found.filter((own) => own.prefix === prefix);
  const typed = placed.filter(({ family: { types } }) => types.length === 0 || types.includes(String(type)));
  if (typed.length === 1) return typed[0];
  const told = (type === undefined ? placed : typed).filter(
    (own) => placed.length === 1 || (own.family.body ?? []).some((body) => own.prefix.endsWith(body)),
  );
  if (told.length === 1 && (type === undefined || typed.length > 0)) return told[0];
  const prefixes = [...new Set(found.map((own) => own.prefix))];
  const types = [...new Set(placed.flatMap(({ family }) => family.types))];
  throw prefixes.length > 1
    ? new ArgumentError({
        where: WHERE,
        argument: "config.prefix",
        wanted: prefixes.map(showJson).join(" or "),
        got: prefix === undefined ? "none, with several models in the file" : showJson(prefix),
      })
    : new ArgumentError({
        where: WHERE,
        argument: "config.model_type",
        wanted: types.map(showJson).join(" or "),
        got: type === undefined ? "none, and the names fit several" : showJson(type),
      });
}

const shapeAt = (leaves: readonly Leaf[], path: string): Shape | undefined =>
  leaves.find((leaf) => leaf.path.join(".") === path)?.layout.shape;

function designOf(family: Family, plan: ModelPlan, facts: Partial<Facts>, config: TransformerConfig): ModelDesign {
  const at = (path: string): Shape => shapeAt(plan.leaves, path)!;
  const [width, headsWidth] = at("layers.0.attention.query");
  const [, kvWidth] = at("layers.0.attention.key");
  const { heads = 0, epsilon = 0, activation = "gelu", norm = "pre", theta, padding } = facts;
  const dim = headsWidth / heads;
  if (!Number.isInteger(dim) || kvWidth % dim !== 0) {
    throw new ArgumentError({
      where: WHERE,
      argument: "config.heads",
      wanted: `a divisor of ${headsWidth}, the width of all heads`,
      got: String(heads),
    });
  }
  const firstPosition = padding === undefined ? 0 : padding + 1;
  const positions = shapeAt(plan.leaves, "positions");
  return {
    width,
    heads,
    kvHeads: kvWidth / dim,
    dim,
    norm,
    normalization: family.normalization,
    epsilon,
    activation,
    isCausal: family.isCausal === true,
    tokens: positions === undefined ? facts.tokens! : positions[0] - firstPosition - plan.special,
    firstPosition,
    ...(theta === undefined ? {} : { frequencies: scaledFrequencies(config, theta, dim) }),
    ...(plan.patch === undefined ? {} : { patch: plan.patch }),
    branches: (plan.head?.branches ?? []).map(({ of, steps }) => ({
      of,
      steps: steps.map(({ linear, then }) => ({
        kind: linear === undefined ? ("norm" as const) : ("linear" as const),
        ...(then === undefined ? {} : { then: then === "activation" ? activation : then }),
      })),
    })),
  };
}

/** @throws DataError unless the shapes of the layers fit each other. */
function checkShapes({ leaves }: ModelPlan, { width, heads, kvHeads, dim }: ModelDesign): void {
  const [hidden] = [shapeAt(leaves, "layers.0.expand.weight")![1]];
  const [all, some] = [heads * dim, kvHeads * dim];
  const wanted: Readonly<Record<string, Shape>> = {
    "attention.query": [width, all],
    "attention.key": [width, some],
    "attention.value": [width, some],
    "attention.output": [all, width],
    "attention.queryBias": [all],
    "attention.keyBias": [some],
    "attention.valueBias": [some],
    "attention.outputBias": [width],
    "expand.weight": [width, hidden],
    "expand.bias": [hidden],
    "gate.weight": [width, hidden],
    "gate.bias": [hidden],
    "contract.weight": [hidden, width],
    "contract.bias": [width],
    "queryNorm.scale": [dim],
    "keyNorm.scale": [dim],
  };
  const rolesOf = new Map<string, string[]>();
  for (const { path, name, layout } of leaves) {
    if (path[0] !== "layers") continue;
    const role = path.slice(2).join(".");
    rolesOf.set(path[1], [...(rolesOf.get(path[1]) ?? []), role]);
    const shape = wanted[role] ?? [width];
    if (!sameShape(layout.shape, shape)) throw refuse(name, formatShape(shape), formatShape(layout.shape));
  }
  const [first, ...others] = [...rolesOf.values()].map((roles) => [...roles].sort().join(", "));
  const odd = others.find((roles) => roles !== first);
  if (odd !== undefined) throw refuse("stored", `layers with the same tensors (${first})`, odd);
}

/** A tree of the values by their paths; numbers in paths make arrays. */
function treeOf(entries: readonly (readonly [readonly string[], Tensor])[]): ModelParameters {
  if (entries[0][0].length === 0) return entries[0][1] as unknown as ModelParameters;
  const groups = new Map<string, (readonly [readonly string[], Tensor])[]>();
  for (const [[name, ...rest], tensor] of entries) groups.set(name, [...(groups.get(name) ?? []), [rest, tensor]]);
  const made = [...groups].map(([name, own]) => [name, treeOf(own)] as const);
  const isArray = made.every(([name]) => /^\d+$/.test(name));
  return isArray ? (made.map(([, value]) => value) as unknown as ModelParameters) : Object.fromEntries(made);
}

async function readParameters(
  backend: Backend,
  stored: StoredTensors,
  leaves: readonly Leaf[],
): Promise<ModelParameters> {
  const entries: [readonly string[], Tensor][] = [];
  let last: { readonly name: string; readonly numbers: Float32Array | Float64Array } | undefined;
  try {
    for (const { path, name, layout } of leaves) {
      // the parts of a tensor come one after the other
      if (last?.name !== name) last = { name, numbers: await readFinite(WHERE, stored, name) };
      entries.push([path, backend.keep(backend.tensor(gathered(last.numbers, layout), layout.shape))]);
    }
    return treeOf(entries);
  } catch (error) {
    disposeTree(entries.map(([, tensor]) => tensor));
    throw error;
  }
}

/** Numbers of the parameters in the layout of the file that they came from. */
async function storedFrom(
  parameters: ParameterTree,
  leaves: readonly Leaf[],
  tensors: Tensors,
): Promise<Record<string, { readonly shape: Shape; readonly data: Float64Array }>> {
  const own = new Map<string, Tensor>();
  mapTree(parameters, isTensor, (tensor, path) => own.set(path.join("."), tensor));
  const result: Record<string, { readonly shape: Shape; readonly data: Float64Array }> = {};
  for (const { path, name, layout } of leaves) {
    const place = path.join(".");
    const numbers = await own.get(place)?.read();
    own.delete(place);
    if (numbers === undefined) throw refuse("parameters", `a tensor ${place}`, "none");
    const { shape } = tensors.get(name)!;
    result[name] ??= { shape, data: new Float64Array(sizeOf(shape)) };
    const { data } = result[name];
    const { offset, strides, shape: extents } = layout;
    numbers.forEach((value, at) => {
      let [rest, index] = [at, offset];
      for (let axis = extents.length - 1; axis >= 0; axis--) {
        index += (rest % extents[axis]) * strides[axis];
        rest = Math.floor(rest / extents[axis]);
      }
      data[index] = value;
    });
  }
  const [strange] = own.keys();
  if (strange !== undefined) throw refuse("parameters", "the tensors that the file has names for", `also ${strange}`);
  return result;
}

/**
 * A transformer of the library's layers that computes what the stored one computes: BERT, RoBERTa, DistilBERT, ViT and
 * DeiT (of Hugging Face and timm), torch.nn.TransformerEncoder, GPT-2, Llama, Mistral, Qwen2, Qwen3 and Phi-3, and this
 * library's `encoder` and `decoder`. Ids, pixels or vectors go in; tokenizers and the preparation of pictures stay
 * outside.
 *
 * What the tensors do not tell is read from `config`, the content of the model's config.json, or given there under the
 * names of `TransformerConfig`. Nothing is guessed.
 *
 * @param backend where the model computes
 * @param stored what `openWeights`, `openSafetensors` or `openPyTorch` gives
 * @throws DataError for a file of another family, missing tensors, shapes that do not fit, tensors that the family does
 * not know, NaN and infinity. ArgumentError for a missing or impossible fact. UnsupportedError for a variant that the
 * library does not have.
 * @example
 * const config = JSON.parse(await readFile("config.json", "utf8"));
 * const model = await loadTransformer(gpu, await openSafetensors(await readFile("model.safetensors")), config);
 * const logits = model.apply(model.parameters, indices(ids, [1, ids.length]));
 */
export async function loadTransformer(
  backend: Backend,
  stored: StoredTensors,
  config: TransformerConfig = {},
): Promise<LoadedTransformer> {
  checkArguments(
    WHERE,
    { backend, stored, config },
    {
      backend: backendKind,
      stored: having<StoredTensors>("an opened file", ["read", "tensors"], "Open it with openSafetensors."),
      config: record,
    },
  );
  const { tensors } = stored;
  const { family, prefix } = chooseFamily(tensors, config);
  const facts = readFacts(family, config);
  const { architectures, tie_word_embeddings: tied = family.tied } = config;
  const plan = planModel(tensors, family, prefix, facts.norm ?? "pre", {
    name: config.head,
    architecture: Array.isArray(architectures) ? architectures[0] : undefined,
    tied: tied === true,
  });
  const design = designOf(family, plan, facts, config);
  checkShapes(plan, design);
  const heart = multiHead({ kernel: softmax(), ...headSizes(design) });
  const parameters = await readParameters(backend, stored, plan.leaves);
  return {
    ...transformerModel(
      design,
      parameters,
      Array.from({ length: plan.layerCount }, () => heart),
    ),
    family: family.name,
    head: plan.head?.name,
    unused: plan.unused,
    store: (own) => storedFrom(own, plan.leaves, tensors),
  };
}
