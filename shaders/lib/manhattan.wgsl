// The pair product |q - k|_1, four components at a time, and its derivatives by the query and by the key.
fn pair_product(query: vec4f, key: vec4f) -> f32 {
  return dot(abs(query - key), vec4f(1.0));
}

fn pair_by_query(query: vec4f, key: vec4f) -> vec4f {
  return sign(query - key);
}

fn pair_by_key(query: vec4f, key: vec4f) -> vec4f {
  return sign(key - query);
}
