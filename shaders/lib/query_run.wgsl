// RUN query rows an invocation, LANES apart, in registers. Each lane of the subgroup loads one key of a tile, and hands
// it to the others. Constants of the header: RUN, and LANES, the size of subgroup and workgroup.
const BLOCK = LANES * RUN;

var<private> queries_held: array<vec4f, RUN * VEC4S>;
var<private> query_norms: array<f32, RUN>;
var<private> own_key: array<vec4f, VEC4S>;
var<private> own_key_norm: f32;
var<private> own_value: array<vec4f, VALUE_VEC4S>;

fn hold_query(r: u32, row: u32) {
  query_norms[r] = 0.0;
  for (var c = 0u; c < vec4s(); c++) {
    queries_held[r * VEC4S + c] = query_vec4(row, c);
    query_norms[r] += dot(queries_held[r * VEC4S + c], queries_held[r * VEC4S + c]);
  }
}

var<private> own_key_total: f32;
var<private> own_value_total: f32;

fn load_own_key(row: u32) {
  own_key_norm = 0.0;
  own_key_total = 0.0;
  own_value_total = 0.0;
  for (var c = 0u; c < vec4s(); c++) {
    own_key[c] = key_vec4(row, c);
    own_key_norm += dot(own_key[c], own_key[c]);
    own_key_total += total(own_key[c]);
  }
  for (var c = 0u; c < value_vec4s(); c++) {
    own_value[c] = value_vec4(row, c);
    own_value_total += total(own_value[c]);
  }
}

// The pair product of every held query with the key of lane j.
fn multiply_with_key(j: u32) -> array<f32, RUN> {
  var products = array<f32, RUN>();
  for (var c = 0u; c < VEC4S; c++) {
    let key = subgroupShuffle(own_key[c], j);
    for (var r = 0u; r < RUN; r++) {
      products[r] += pair_product(queries_held[r * VEC4S + c], key);
    }
  }
  return products;
}
