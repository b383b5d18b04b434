// The query that one invocation owns.
var<private> query: array<vec4f, VEC4S>;
var<private> query_norm: f32;

fn load_query(row: u32) {
  query_norm = 0.0;
  for (var c = 0u; c < vec4s(); c++) {
    query[c] = query_vec4(row, c);
    query_norm += dot(query[c], query[c]);
  }
}

// The query against key j of the tile.
fn pair_with_tile(j: u32) -> Pair {
  var product = 0.0;
  for (var c = 0u; c < VEC4S; c++) {
    product += pair_product(query[c], tile_keys[j * VEC4S + c]);
  }
  return Pair(product, query_norm, tile_norms[j]);
}
