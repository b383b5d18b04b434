// The query of a workgroup: all of its invocations read the same numbers, so that none holds a row of its own. Loops
// over it end at a number of the uniform, because compilers would unroll them and hold the row after all.
var<private> query_at: u32;
var<private> query_norm: f32;

fn load_query(row: u32) {
  query_at = row;
  query_norm = 0.0;
  for (var c = 0u; c * 4u < sizes.dim; c++) {
    let part = query_vec4(row, c);
    query_norm += dot(part, part);
  }
}

// The query against key j of the tile.
fn pair_with_tile(j: u32) -> Pair {
  var product = 0.0;
  for (var c = 0u; c * 4u < sizes.dim; c++) {
    product += pair_product(query_vec4(query_at, c), tile_keys[j * VEC4S + c]);
  }
  return Pair(product, query_norm, tile_norms[j]);
}
