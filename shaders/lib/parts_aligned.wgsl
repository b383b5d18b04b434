// Queries, keys and values, four components at a time, for widths that are multiples of four.
@group(0) @binding(1) var<storage, read> queries: array<vec4f>;
@group(0) @binding(2) var<storage, read> keys: array<vec4f>;
@group(0) @binding(3) var<storage, read> values: array<vec4f>;

fn query_part(row: u32, part: u32) -> vec4f {
  return queries[row * PARTS + part];
}

fn key_part(row: u32, part: u32) -> vec4f {
  return keys[row * PARTS + part];
}

fn value_part(row: u32, part: u32) -> vec4f {
  return values[row * VALUE_PARTS + part];
}
