// out_i = sum_j w_ij v_j / z_i as in passes/forward.wgsl, by products of float16 matrices: scores and weights of BLOCK
// queries and TILE keys at a time, in float32; weights are narrowed to float16 for their product with the values.
// Writes outputs: Stored [rows, value_dim] and statistics: f32 [rows].

const WEIGHTS = AFTER_VALUES;
const HALVES = WEIGHTS + BLOCK * WEIGHT_STRIDE;
const PRODUCTS = 0u;
const SUMS = PRODUCTS + BLOCK * PRODUCT_STRIDE;
const FLOATS = SUMS + BLOCK * VALUE_SUM_STRIDE;

var<workgroup> states: array<Row, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) number: u32, @builtin(num_subgroups) count: u32) {
  lane = index;
  let subgroup = Subgroup(number, count);
  let start = (group.z * sizes.heads + group.y) * sizes.queries;
  let first_query = group.x * BLOCK;
  let base = first_key_row(group.z, group.y);
  let r = lane / SHARE;
  let first_column = lane % SHARE * COLUMNS;
  let i = first_query + r;
  load_parameters(group.y);
  load_queries(start, first_query, query_count(group.z));

  var state = row_start();
  var unit = SMALLEST_UNIT;
  let keys_seen = visible_keys(group.z, first_query, first_query + BLOCK - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += TILE) {
    load_keys(base, first, key_count(group.z));
    multiply_transposed(subgroup, Matrix(PRODUCTS, PRODUCT_STRIDE), Matrix(QUERIES, STRIDE), Matrix(KEYS, STRIDE), BLOCK, TILE, WIDTH);
    workgroupBarrier();
    var weights = array<f32, COLUMNS>();
    var maximum = HIDDEN;
    for (var c = 0u; c < COLUMNS; c++) {
      let j = first_column + c;
      let pair = Pair(floats[PRODUCTS + r * PRODUCT_STRIDE + j], query_norms[r], key_norms[j]);
      weights[c] = visible_score(pair, Place(group.z, group.y, i, first + j));
      maximum = max(maximum, weights[c]);
    }
    maximum = row_maximum(maximum);
    var factor = 1.0;
    if (is_visible(maximum)) {
      factor = row_advance(&state, maximum);
    }
    for (var c = 0u; c < COLUMNS; c++) {
      weights[c] = select(0.0, row_weight(state, weights[c]), is_visible(weights[c]));
      row_add(&state, weights[c]);
    }
    factor *= narrow(&weights, &unit, WEIGHTS + r * WEIGHT_STRIDE + first_column);
    scale_sums(SUMS + r * VALUE_SUM_STRIDE, VALUE_WIDTH, factor);
    if (atomicLoad(&rows_lost) == 1u) {
      hide_lost(VALUES, VALUE_STRIDE, TILE, VALUE_WIDTH);
      for (var j = first; j < min(first + TILE, keys_seen.y); j++) {
        for (var e = lane % SHARE; e < sizes.value_dim; e += SHARE) {
          let lost = lost_part(value_vec4(base + j, e / 4u))[e % 4u];
          floats[SUMS + r * VALUE_SUM_STRIDE + e] += select(0.0, lost, is_seen(Place(group.z, group.y, i, j)));
        }
      }
    }
    workgroupBarrier();
    add_product(subgroup, Matrix(SUMS, VALUE_SUM_STRIDE), Matrix(WEIGHTS, WEIGHT_STRIDE), Matrix(VALUES, VALUE_STRIDE), BLOCK, VALUE_WIDTH, TILE);
  }

  states[lane] = state;
  workgroupBarrier();
  if (i < sizes.queries) {
    // The lanes of a row have its maximum in common, so that joining them scales nothing.
    var whole = states[r * SHARE];
    for (var k = 1u; k < SHARE; k++) {
      _ = row_merge(&whole, states[r * SHARE + k]);
    }
    let factor = row_factor(whole) * unit;
    for (var c = lane % SHARE; c < VALUE_VEC4S; c += SHARE) {
      store_outputs(start + i, c, sizes.value_dim, factor * sum_vec4(SUMS + r * VALUE_SUM_STRIDE + c * 4u));
    }
    if (lane % SHARE == 0u) {
      statistics[start + i] = row_statistic(whole);
    }
  }
}
