import type { NameLayout } from "./layouts.js";

/** One layer of a file: its numbers, and what stands before and in the place of the layout's templates. */
export interface NamedLayer {
  readonly layout: NameLayout;
  /** What stands before the templates. */
  readonly prefix: string;
  /** The numbers in the place of `{}`. */
  readonly inside: readonly string[];
  /** All numbers that tell the layer from others. */
  readonly numbers: readonly number[];
  /** Which of the layout's templates have names. */
  readonly found: Set<string>;
  /** The numbers of its heads, if every head has its own matrix. */
  readonly heads: Set<string>;
}

/** Layers that differ in numbers alone. */
export interface Stack {
  /** The prefix of its names with `{}` for numbers. */
  readonly prefix: string;
  readonly layers: readonly NamedLayer[];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Numbers between separators. */
const NUMBER = /(?<=^|[./_])\d{1,9}(?=[./_])/g;

/** A name with `{}` for the numbers in it, such as those of layers. */
export const general = (name: string): string => `${name}.`.replace(NUMBER, "{}").slice(0, -1);

/** The templates by which layers are found. */
const TELLING = ["query", "key", "fused"] as const;

interface Matcher {
  readonly layout: NameLayout;
  readonly kind: (typeof TELLING)[number];
  readonly tail: string;
  readonly pattern: RegExp;
  /** The place of `{head}` among the placeholders; -1 without. */
  readonly head: number;
}

function matcher(layout: NameLayout, kind: Matcher["kind"], template: string): Matcher {
  const holes: readonly string[] = template.match(/\{(?:head)?\}/g) ?? [];
  const parts = template.split(/\{(?:head)?\}/);
  return {
    layout,
    kind,
    tail: parts[parts.length - 1],
    pattern: new RegExp(`^((?:.*[./])?)${parts.map(escaped).join("(\\d{1,9})")}$`, "s"),
    head: holes.indexOf("{head}"),
  };
}

/** The name of a template in a layer; `head` stands for `{head}`. */
export function nameIn({ prefix, inside }: NamedLayer, template: string, head = ""): string {
  let hole = 0;
  return prefix + template.replace(/\{(head)?\}/g, (_, isHead?: string) => (isHead ? head : inside[hole++]));
}

/** Whether a layer has the names of queries and keys. */
export const isNamed = ({ found }: NamedLayer): boolean =>
  found.has("fused") || (found.has("query") && found.has("key"));

/** Stacks of layers that have at least a query or a key of one of the layouts. */
export function matchLayouts(names: Iterable<string>, layouts: readonly NameLayout[]): Stack[] {
  const matchers = layouts.flatMap((layout) =>
    TELLING.flatMap((kind) => (layout[kind] === undefined ? [] : [matcher(layout, kind, layout[kind])])),
  );
  const stacks = new Map<string, Map<string, NamedLayer>>();
  for (const name of names) {
    const own = matchers.find(({ tail, pattern }) => name.endsWith(tail) && pattern.test(name));
    if (own === undefined) continue;
    const [, prefix, ...holes] = own.pattern.exec(name)!;
    const inside = holes.filter((_, hole) => hole !== own.head);
    const numbers = [...(prefix.match(NUMBER) ?? []), ...inside].map(Number);
    const stem = prefix.replace(NUMBER, "{}");
    const key = `${layouts.indexOf(own.layout)} ${stem}`;
    const stack = stacks.get(key) ?? new Map<string, NamedLayer>();
    stacks.set(key, stack);
    const place = JSON.stringify([prefix, inside]);
    const layer: NamedLayer = stack.get(place) ?? {
      ...{ layout: own.layout, prefix, inside, numbers },
      ...{ found: new Set(), heads: new Set() },
    };
    stack.set(place, layer);
    layer.found.add(own.kind);
    if (own.head >= 0) layer.heads.add(holes[own.head]);
  }
  return [...stacks].map(([key, stack]) => ({
    prefix: key.slice(key.indexOf(" ") + 1),
    layers: [...stack.values()].sort(({ numbers: a }, { numbers: b }) => {
      const at = a.findIndex((number, place) => number !== b[place]);
      return at < 0 ? 0 : a[at] - b[at];
    }),
  }));
}
