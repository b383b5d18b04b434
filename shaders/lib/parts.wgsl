// Queries, keys and values, four components at a time, for rows of any width.
@group(0) @binding(1) var<storage, read> queries: array<f32>;
@group(0) @binding(2) var<storage, read> keys: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32>;

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
