// Queries, keys and values, four components at a time, for rows of any width. Stored is the number in memory, f32 or
// f16. Reads queries, keys and values: Stored.

// Keeps the components of a vec4 that lie inside a row; `part` counts vec4s from the start of the row.
fn inside(loaded: vec4f, part: u32, width: u32) -> vec4f {
  return select(vec4f(0.0), loaded, part * 4u + vec4u(0u, 1u, 2u, 3u) < vec4u(width));
}

fn query_vec4(row: u32, part: u32) -> vec4f {
  let at = row * sizes.dim + part * 4u;
  return inside(vec4f(f32(queries[at]), f32(queries[at + 1u]), f32(queries[at + 2u]), f32(queries[at + 3u])), part, sizes.dim);
}

fn key_vec4(row: u32, part: u32) -> vec4f {
  let at = row * sizes.dim + part * 4u;
  return inside(vec4f(f32(keys[at]), f32(keys[at + 1u]), f32(keys[at + 2u]), f32(keys[at + 3u])), part, sizes.dim);
}

fn value_vec4(row: u32, part: u32) -> vec4f {
  let at = row * sizes.value_dim + part * 4u;
  return inside(vec4f(f32(values[at]), f32(values[at + 1u]), f32(values[at + 2u]), f32(values[at + 3u])), part, sizes.value_dim);
}
