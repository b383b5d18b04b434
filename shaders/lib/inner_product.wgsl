// The pair product of most kernels, four components at a time, and its derivatives by the query and by the key.
fn pair_product(query: vec4f, key: vec4f) -> f32 {
  return dot(query, key);
}

fn pair_by_query(query: vec4f, key: vec4f) -> vec4f {
  return key;
}

fn pair_by_key(query: vec4f, key: vec4f) -> vec4f {
  return query;
}
