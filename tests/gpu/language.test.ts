import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const files = readdirSync("shaders", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".wgsl"))
  .sort();

/** Optional features of the language, https://www.w3.org/TR/WGSL/#language-extensions-sec, by how they show. */
const optional: Readonly<Record<string, RegExp>> = {
  "any that is required by name": /^\s*requires\b/m,
  unrestricted_pointer_parameters: /ptr<\s*(?:storage|uniform|workgroup)|[(,]\s*&\w+[.[]/,
  packed_4x8_integer_dot_product: /\b(?:dot4[IU]8Packed|(?:un)?pack4x[IU]8(?:Clamp)?)\b/,
  readonly_and_readwrite_storage_textures: /\btexture_storage/,
  subgroup_id: /\b(?:subgroup_id|num_subgroups)\b/,
  linear_indexing: /\b(?:workgroup_index|global_invocation_index)\b/,
  immediate_address_space: /var<immediate>/,
};

/** Uses of a pointer's parts without `(*p)`: the feature pointer_composite_access. */
function compositeAccesses(text: string): string[] {
  return text.split(/^(?=fn )/m).flatMap((body) => {
    const pointers = Array.from(body.matchAll(/(\w+): ptr</g), ([, name]) => name);
    return pointers.flatMap((name) => Array.from(body.matchAll(new RegExp(`\\b${name}[.[].*`, "g")), ([use]) => use));
  });
}

/** The optional features in a text. */
function featuresIn(text: string): string[] {
  const code = text.replace(/\/\/.*/g, "");
  const used = Object.entries(optional)
    .filter(([, pattern]) => pattern.test(code))
    .map(([feature]) => feature);
  return compositeAccesses(code).length > 0 ? [...used, "pointer_composite_access"] : used;
}

// Subgroup matrices are experimental, and asked for.
it.each(files.filter((file) => !/_matrix\.wgsl$/.test(file)))("%s is core WGSL", (file) => {
  expect(featuresIn(readFileSync(`shaders/${file}`, "utf8"))).toEqual([]);
});

it("notices what is not", () => {
  expect(featuresIn("requires pointer_composite_access;")).toEqual(["any that is required by name"]);
  expect(featuresIn("fn f(p: ptr<storage, array<f32>, read_write>) {\n  p[0] = 1;\n}")).toEqual([
    "unrestricted_pointer_parameters",
    "pointer_composite_access",
  ]);
  expect(featuresIn("fn f(p: ptr<function, vec2f>) {\n  (*p).x = p.y;\n}")).toEqual(["pointer_composite_access"]);
  expect(featuresIn("fn f() {\n  g(&rows[1]);\n}")).toEqual(["unrestricted_pointer_parameters"]);
  expect(featuresIn("fn f() -> u32 {\n  return dot4U8Packed(1u, 2u);\n}")).toEqual(["packed_4x8_integer_dot_product"]);
});
