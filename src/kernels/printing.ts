import { printsAsText } from "../core/printing.js";
import type { AttentionKernel } from "./kernel.js";

/**
 * Members of a kernel by which console.log and template strings show it: its name, its normaliser, and what it takes
 * and learns beside q, k and v.
 */
export const printedKernel: object = {
  ...printsAsText,
  toString(this: AttentionKernel): string {
    const names = (list: readonly { readonly name: string }[] = []): string => list.map(({ name }) => name).join(", ");
    const tiled = "parameters" in this ? this : undefined;
    const facts = [
      tiled === undefined ? "a composition of operations" : `normalizer ${tiled.normalizer}`,
      this.inputs?.length ? `takes ${names(this.inputs)}` : "",
      tiled?.parameters.length ? `learns ${names(tiled.parameters)}` : "",
    ];
    return `AttentionKernel ${this.name} (${facts.filter(Boolean).join("; ")})`;
  },
};
