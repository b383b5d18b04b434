// Queries, keys and values, four components at a time, for widths that are multiples of four. Stored is a vec4 of f32
// or f16. Reads queries, keys and values: Stored.

fn query_vec4(row: u32, part: u32) -> vec4f {
  return vec4f(queries[row * VEC4S + part]);
}

fn key_vec4(row: u32, part: u32) -> vec4f {
  return vec4f(keys[row * VEC4S + part]);
}

fn value_vec4(row: u32, part: u32) -> vec4f {
  return vec4f(values[row * VALUE_VEC4S + part]);
}
