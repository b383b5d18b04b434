// What every tiled attention pass reads. Constants of the header: PARTS and VALUE_PARTS, the head widths d and dv in vec4s;
// TILE, keys (or queries) in workgroup memory at a time; ROWS, invocations of a workgroup, one row each.
struct Sizes {
  queries: u32,
  keys: u32,
  heads: u32,
  key_heads: u32,
  dim: u32,
  value_dim: u32,
  parameters: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;
@group(0) @binding(4) var<storage, read> parameters: array<f32>;

fn load_parameters(head: u32) {
  for (var p = 0u; p < min(sizes.parameters, 4u); p++) {
    learned[p] = parameters[head * sizes.parameters + p];
  }
}

// Keeps the components of a vec4 that lie inside a row; `part` counts vec4s from the start of the row.
fn inside(loaded: vec4f, part: u32, width: u32) -> vec4f {
  return select(vec4f(0.0), loaded, part * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(width));
}

fn query_part(row: u32, part: u32) -> vec4f {
  let at = row * sizes.dim + part * 4u;
  return inside(vec4f(queries[at], queries[at + 1u], queries[at + 2u], queries[at + 3u]), part, sizes.dim);
}

fn key_part(row: u32, part: u32) -> vec4f {
  let at = row * sizes.dim + part * 4u;
  return inside(vec4f(keys[at], keys[at + 1u], keys[at + 2u], keys[at + 3u]), part, sizes.dim);
}

fn value_part(row: u32, part: u32) -> vec4f {
  let at = row * sizes.value_dim + part * 4u;
  return inside(vec4f(values[at], values[at + 1u], values[at + 2u], values[at + 3u]), part, sizes.value_dim);
}

// The row of keys and values where those of a query head begin.
fn first_key_row(batch: u32, head: u32) -> u32 {
  return (batch * sizes.key_heads + head / (sizes.heads / sizes.key_heads)) * sizes.keys;
}
