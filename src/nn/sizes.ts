import { alias, whole } from "../core/kinds.js";

/** The options of a layer that other libraries name otherwise. */
export const heads = alias(whole(1), { numheads: "heads", nheads: "heads" });
export const width = alias(whole(1), { dmodel: "width", embeddim: "width" });
export const layers = alias(whole(0), { numlayers: "layers", depth: "layers" });
