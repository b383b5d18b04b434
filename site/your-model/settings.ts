import type { FindOptions } from "attention-kernels/weights";
import { flag, oneOf, real, whole, type Setting, type SettingsOf } from "../kit/settings.js";

const text: Setting<string> = { initial: "", read: (own) => (own === "" ? undefined : own), write: encodeURIComponent };

/** A whole number from 1 on, or nothing. */
const count: Setting<number | ""> = { initial: "", read: whole(1, 1, 4096).read, write: String };

/** How a matrix is stored. */
export const orders = ["auto", "out-in", "in-out"] as const;

export const schema = {
  sample: flag(false),
  seed: whole(1, 0, 1e6),
  alike: real(0, -1, 1),
  heads: count,
  prefix: text,
  query: text,
  key: text,
  fused: text,
  stored: oneOf("auto", orders),
  layer: whole(0, 0, 1e4),
  head: whole(0, 0, 4095),
};
export type Settings = SettingsOf<typeof schema>;

/** What both the page and its script dissect, apart from the file. */
export interface Options {
  readonly seed: number;
  readonly heads?: number;
  readonly names: FindOptions;
}

/** What a worker gets. */
export interface Task extends Options {
  /** The files of the visitor; without any, the sample. */
  readonly files: readonly File[];
  readonly sample: { readonly seed: number; readonly alike: number };
}

/**
 * The options that the settings say; those left empty are left out.
 *
 * @param settings those of the page
 */
export function optionsOf({ seed, heads, prefix, query, key, fused, stored }: Settings): Options {
  const names = Object.entries({ prefix, query, key, fused }).filter(([, own]) => own !== "");
  return {
    seed,
    ...(heads === "" ? {} : { heads }),
    names: {
      ...(Object.fromEntries(names) as FindOptions),
      ...(stored === "auto" ? {} : { transposed: stored === "in-out" }),
    },
  };
}
