// dq_i as in passes/backward_query.wgsl, by products of float16 matrices; ds, in float32, is narrowed to float16 for
// its product with the keys. Writes query_gradients: Stored [rows, dim].

const GRADIENTS = AFTER_VALUES;
const SLOPES = GRADIENTS + BLOCK * VALUE_STRIDE;
const HALVES = SLOPES + BLOCK * WEIGHT_STRIDE;
const PRODUCTS = 0u;
const WEIGHT_GRADIENTS = PRODUCTS + BLOCK * PRODUCT_STRIDE;
const SUMS = WEIGHT_GRADIENTS + BLOCK * PRODUCT_STRIDE;
const FLOATS = SUMS + BLOCK * SUM_STRIDE;

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
  for (var e = lane; e < BLOCK * VALUE_VEC4S; e += LANES) {
    let row = e / VALUE_VEC4S;
    let part = output_gradient_vec4(start + min(first_query + row, sizes.queries - 1u), e % VALUE_VEC4S);
    put_vec4(GRADIENTS + row * VALUE_STRIDE + e % VALUE_VEC4S * 4u, select(vec4f(0.0), part, first_query + row < query_count(group.z)));
  }
  let row_numbers = statistic_and_delta(start + min(i, sizes.queries - 1u));

  var by_norm = 0.0;
  var unit = SMALLEST_UNIT;
  let keys_seen = visible_keys(group.z, first_query, first_query + BLOCK - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += TILE) {
    load_keys(base, first, key_count(group.z));
    multiply_transposed(subgroup, Matrix(PRODUCTS, PRODUCT_STRIDE), Matrix(QUERIES, STRIDE), Matrix(KEYS, STRIDE), BLOCK, TILE, WIDTH);
    multiply_transposed(subgroup, Matrix(WEIGHT_GRADIENTS, PRODUCT_STRIDE), Matrix(GRADIENTS, VALUE_STRIDE), Matrix(VALUES, VALUE_STRIDE), BLOCK, TILE, VALUE_WIDTH);
    workgroupBarrier();
    var slopes = array<f32, COLUMNS>();
    for (var c = 0u; c < COLUMNS; c++) {
      let j = first_column + c;
      let pair = Pair(floats[PRODUCTS + r * PRODUCT_STRIDE + j], query_norms[r], key_norms[j]);
      let place = Place(group.z, group.y, i, first + j);
      let s = visible_score(pair, place);
      var bent_gradient = 0.0;
      if (is_visible(s)) {
        let weight_gradient = floats[WEIGHT_GRADIENTS + r * PRODUCT_STRIDE + j];
        bent_gradient = score_gradient(s, normalized_weight(s, row_numbers.x), weight_gradient, row_numbers.y, row_numbers.x);
        let ds = bent_gradient * bend_derivative(pair);
        let partials = score_partials(pair);
        by_norm += ds * partials.query_norm;
        slopes[c] = ds * partials.product;
      }
      keep_score_gradient(place, bent_gradient);
    }
    let factor = narrow(&slopes, &unit, SLOPES + r * WEIGHT_STRIDE + first_column);
    scale_sums(SUMS + r * SUM_STRIDE, WIDTH, factor);
    if (atomicLoad(&rows_lost) == 1u) {
      hide_lost(KEYS, STRIDE, TILE, WIDTH);
    }
    workgroupBarrier();
    add_product(subgroup, Matrix(SUMS, SUM_STRIDE), Matrix(SLOPES, WEIGHT_STRIDE), Matrix(KEYS, STRIDE), BLOCK, WIDTH, TILE);
  }

  let whole_by_norm = row_total(by_norm);
  if (i < sizes.queries) {
    for (var c = lane % SHARE; c < VEC4S; c += SHARE) {
      let query = half_vec4(QUERIES + r * STRIDE + c * 4u);
      store_query_gradients(start + i, c, sizes.dim, unit * sum_vec4(SUMS + r * SUM_STRIDE + c * 4u) + by_length(whole_by_norm, query));
    }
  }
}
