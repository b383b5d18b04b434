import { DataError } from "../core/errors.js";
import { showJson } from "../core/json.js";
import { formatShape, sizeOf, type Shape } from "../core/shape.js";
import type { Facts, Family, Head, Names } from "./family.js";
import type { Layout } from "./gather.js";
import { WHERE } from "./model-facts.js";
import type { StoredTensor } from "./safetensors-header.js";

/** A parameter of a model, and where its numbers lie in a stored tensor. */
export interface Leaf {
  /** Its place in the parameters. */
  readonly path: readonly string[];
  readonly name: string;
  readonly layout: Layout;
}

/** What of a file a model takes. */
export interface ModelPlan {
  readonly leaves: readonly Leaf[];
  readonly layerCount: number;
  readonly head: Head | undefined;
  /** Side of a patch in pixels, for pictures. */
  readonly patch?: number;
  /** Tokens before those of the input. */
  readonly special: number;
  /** Names that no part of the model has. */
  readonly unused: readonly string[];
}

export type Tensors = ReadonlyMap<string, StoredTensor>;

export const refuse = (argument: string | undefined, wanted: string, got: string, fix?: string): DataError =>
  new DataError({ where: WHERE, argument, wanted, got, fix });

const listOf = (names: Names): readonly string[] => (typeof names === "string" ? [names] : names);

/** The names that a linear layer or norm may have for its weight or bias. */
function spelled(names: Names, kind: "weight" | "bias"): string[] {
  return listOf(names).map((name) => {
    if (name.includes("|")) return name.split("|")[kind === "weight" ? 0 : 1];
    return name.endsWith("*") ? name.slice(0, -1) + kind : `${name}.${kind}`;
  });
}

const rowMajor = (shape: Shape, offset = 0): Layout => ({
  offset,
  shape,
  strides: shape.map((_, axis) => sizeOf(shape.slice(axis + 1))),
});

/** The inputs and outputs of a stored matrix. */
const sidesOf = (shape: Shape, columns: boolean): readonly [inner: number, outer: number] =>
  columns ? [shape[0], shape[1]] : [sizeOf(shape.slice(1)), shape[0]];

/** Some outputs of a stored matrix, from the `first` on, as [in, out]. */
function matrixLayout(shape: Shape, columns: boolean, first: number, outer: number): Layout | undefined {
  const [inner, all] = sidesOf(shape, columns);
  if (shape.length < 2 || (columns && shape.length > 2) || !Number.isInteger(outer) || outer < 1) return undefined;
  return columns
    ? { offset: first, shape: [inner, outer], strides: [all, 1] }
    : { offset: first * inner, shape: [inner, outer], strides: [1, inner] };
}

/** Collects the leaves of a model under one prefix. */
class Collector {
  readonly leaves: Leaf[] = [];
  readonly #used = new Set<string>();
  constructor(
    readonly tensors: Tensors,
    readonly family: Family,
    /** Where names are looked up, in turn. */
    readonly prefixes: readonly string[],
  ) {}

  find(names: readonly string[]): string | undefined {
    return this.prefixes.flatMap((prefix) => names.map((name) => prefix + name)).find((name) => this.tensors.has(name));
  }
  shape(name: string): Shape {
    return this.tensors.get(name)!.shape;
  }
  isUsed(name: string): boolean {
    return this.#used.has(name);
  }
  add(path: readonly string[], name: string, layout: Layout | undefined, wanted: string): void {
    if (layout === undefined) throw refuse(name, wanted, formatShape(this.shape(name)));
    this.#used.add(name);
    this.leaves.push({ path, name, layout });
  }
  /** The name that a role needs. */
  need(names: readonly string[], role: string): string {
    const name = this.find(names);
    if (name !== undefined) return name;
    throw refuse(undefined, `${names.join(" or ")} (${role} of ${this.family.name})`, "no such tensor");
  }

  /** One linear layer, or several in one tensor: equally many outputs of each, or so many of the first. */
  linear(paths: readonly (readonly string[])[], names: Names, tied = false, ofFirst?: number): void {
    const { columns = false, biasOptional } = this.family;
    const weight = tied ? this.find(spelled(names, "weight")) : this.need(spelled(names, "weight"), paths[0].join("."));
    const biases = spelled(names, "bias");
    const bias = biasOptional === true || tied ? this.find(biases) : this.need(biases, paths[0].join("."));
    const partsOf = (all: number): number[] =>
      paths.map((_, at) =>
        ofFirst === undefined ? all / paths.length : at === 0 ? ofFirst : (all - ofFirst) / (paths.length - 1),
      );
    const placeOf = (all: number, at: number) => {
      const parts = partsOf(all);
      return { first: parts.slice(0, at).reduce((sum, part) => sum + part, 0), count: parts[at] };
    };
    paths.forEach((path, at) => {
      const flat = path.includes("attention"); // multiHead has W and b side by side
      const [own, named] = [path.slice(0, -1), path.at(-1)!];
      if (weight !== undefined) {
        const { first, count } = placeOf(sidesOf(this.shape(weight), columns)[1], at);
        const layout = matrixLayout(this.shape(weight), columns, first, count);
        this.add(flat ? path : [...path, "weight"], weight, layout, `a matrix of ${paths.length} parts`);
      }
      if (bias === undefined) return;
      const { first, count } = placeOf(sizeOf(this.shape(bias)), at);
      const layout = Number.isInteger(count) ? rowMajor([count], first) : undefined;
      this.add(flat ? [...own, `${named}Bias`] : [...path, "bias"], bias, layout, `${paths.length} equal parts`);
    });
  }

  /** The outputs of the queries of a layer, which are the inputs of what follows attention. */
  queriesOf(layer: string): number {
    const names = listOf(this.family.linears["layers.#.attention.output"]).map((name) => name.replace("#", layer));
    const shape = this.shape(this.need(spelled(names, "weight"), "attention.output"));
    return sidesOf(shape, this.family.columns === true)[0];
  }

  norm(path: readonly string[], names: Names, isOptional = false): void {
    const weight = isOptional
      ? this.find(spelled(names, "weight"))
      : this.need(spelled(names, "weight"), path.join("."));
    if (weight === undefined) return;
    this.add([...path, "scale"], weight, rowMajor([sizeOf(this.shape(weight))]), "");
    const { normalization, biasOptional } = this.family;
    const biases = spelled(names, "bias");
    const bias =
      biasOptional === true ? this.find(biases) : normalization === "layer" && this.need(biases, path.join("."));
    if (typeof bias === "string") this.add([...path, "shift"], bias, rowMajor([sizeOf(this.shape(bias))]), "");
  }

  table(path: readonly string[], names: Names, isOptional: boolean): void {
    const name = isOptional ? this.find(listOf(names)) : this.need(listOf(names), path.join("."));
    if (name === undefined) return;
    const shape = this.shape(name);
    const isToken = path[0] === "special";
    const rows = isToken ? [sizeOf(shape)] : shape.slice(-2);
    const fits = sizeOf(rows) === sizeOf(shape) && (isToken || rows.length === 2);
    this.add(path, name, fits ? rowMajor(rows) : undefined, "[positions, width] or [1, positions, width]");
  }
}

/** The heads that the tensors of a file allow. */
function availableHeads(collector: Collector, { heads }: Family, tied: boolean, special: number | undefined): Head[] {
  return heads.filter(({ branches }) =>
    branches.every(
      ({ of, steps }) =>
        (special === undefined || typeof of !== "number" || of < special) &&
        steps.every(
          ({ linear, norm, tied: mayTie }) =>
            (mayTie === true && tied) || collector.find(spelled((linear ?? norm)!, "weight")) !== undefined,
        ),
    ),
  );
}

/** What a head is chosen by. */
export interface HeadChoice {
  readonly name?: unknown;
  readonly architecture?: unknown;
  /** Whether the output may take the weights of the embedding. */
  readonly tied: boolean;
}

/** A head of a model that gives tokens. */
const NONE = "tokens";

function chooseHead(
  available: readonly Head[],
  { isCausal }: Family,
  { name, architecture }: HeadChoice,
): Head | undefined {
  if (name === NONE) return undefined;
  const names = available.map((head) => head.name);
  if (name !== undefined) {
    const named = available.find((head) => head.name === name);
    if (named !== undefined) return named;
    throw refuse("config.head", [...names, NONE].map((known) => JSON.stringify(known)).join(" or "), showJson(name));
  }
  if (isCausal === true && available.length === 0) {
    const fix = 'If the output has the embedding\'s weights, pass tie_word_embeddings: true; else head: "tokens".';
    throw refuse(undefined, "the weights of the output", "no such tensor", fix);
  }
  const told = available.find(
    (head) => head.architecture !== undefined && String(architecture).endsWith(head.architecture),
  );
  return told ?? available.at(0);
}

/** Which of the family's roles a model with this norm has. */
const applies = (role: string, norm: Facts["norm"]): boolean => !role.includes("@") || role.endsWith(`@${norm}`);

/**
 * Finds the tensors of a model of `family` whose names begin with `prefix`.
 *
 * @throws DataError for missing tensors, shapes that do not fit, and tensors that the family does not know.
 */
export function planModel(
  tensors: Tensors,
  family: Family,
  prefix: string,
  norm: Facts["norm"],
  choice: HeadChoice,
): ModelPlan {
  const collector = new Collector(tensors, family, [prefix]);
  const first = (layer: number): string => prefix + family.marks[0].replace("#", String(layer));
  let layerCount = 0;
  while (tensors.has(first(layerCount))) layerCount++;

  const each = (
    roles: Readonly<Record<string, Names>>,
    visit: (role: string, names: Names, may: boolean) => void,
  ): void => {
    for (const [role, names] of Object.entries(roles)) {
      if (!applies(role, norm)) continue;
      const plain = role.replace(/[?@].*$/, "");
      const count = role.includes("#") ? layerCount : 1;
      for (let layer = 0; layer < count; layer++) {
        const filled = (text: string): string => text.replaceAll("#", String(layer));
        visit(filled(plain), listOf(names).map(filled), role.endsWith("?"));
      }
    }
  };
  each(family.tables, (role, names, may) => collector.table(role.split("."), names, may));
  each(family.linears, (role, names) => {
    const [, stem, all] = /^(.*?)([^.]*)$/.exec(role)!;
    const paths = all.split("+").map((part) => (stem + part).split("."));
    const isGrouped = family.grouped === true && paths[0].at(-1) === "query";
    collector.linear(paths, names, false, isGrouped ? collector.queriesOf(paths[0][1]) : undefined);
  });
  each(family.norms, (role, names, may) => collector.norm(role.split("."), names, may));

  const special = collector.leaves.filter(({ path }) => path[0] === "special").length;
  const body = (family.body ?? []).find((own) => prefix.endsWith(own)) ?? "";
  const outer = prefix.slice(0, prefix.length - body.length);
  const heads = new Collector(tensors, family, outer === prefix ? [prefix] : [outer, prefix]);
  const isVision = "special.0" in family.tables || "special.0?" in family.tables;
  const available = availableHeads(heads, family, choice.tied, isVision ? special : undefined);
  const head = chooseHead(available, family, choice);
  head?.branches.forEach(({ steps }, branch) =>
    steps.forEach(({ linear, norm: own, tied }, at) => {
      const path = ["head", String(branch), String(at)];
      if (linear !== undefined) heads.linear([path], linear, tied);
      else heads.norm(path, own!);
    }),
  );

  const left = [...tensors.keys()].filter((name) => !collector.isUsed(name) && !heads.isUsed(name));
  const isOwn = (name: string): boolean => {
    if (!name.startsWith(family.isPart === true ? first(0).split("0")[0] : prefix)) return false;
    return family.ignored?.test(name.slice(prefix.length)) !== true;
  };
  const isOfHead = new RegExp(`^(?:${available.flatMap(namesOfHead).join("|") || "(?!)"})`);
  const strange = left.filter((name) => isOwn(name) && !isOfHead.test(name.slice(prefix.length)));
  if (strange.length > 0) {
    throw refuse(
      undefined,
      `the tensors of ${family.name} alone`,
      `also ${strange.slice(0, 3).join(", ")}${strange.length > 3 ? `, and ${strange.length - 3} more` : ""}`,
      "The model computes something else with them, which the library does not have.",
    );
  }
  const pixels =
    family.linears.patch === undefined ? undefined : collector.find(spelled(family.linears.patch, "weight"));
  return {
    leaves: [...collector.leaves, ...heads.leaves],
    layerCount,
    head,
    special,
    unused: left,
    ...(pixels === undefined ? {} : { patch: collector.shape(pixels).at(-1) }),
  };
}

/** The beginnings of the names of a head's tensors, as regular expressions. */
const namesOfHead = ({ branches }: Head): string[] =>
  branches.flatMap(({ steps }) =>
    steps.flatMap(({ linear, norm }) => listOf((linear ?? norm)!).map((name) => name.replaceAll(".", "\\.") + "\\.")),
  );
