// dk_j and dv_j as in passes/backward_key_value.wgsl, by products of float16 matrices: a row is a key, and queries pass
// by in tiles; weights and ds, in float32, are narrowed to float16 for their products with output cotangents and
// queries. Writes key_gradients: Stored [rows, dim] and value_gradients: Stored [rows, value_dim].

const KEYS = 0u;
const VALUES = KEYS + BLOCK * STRIDE;
const QUERIES = VALUES + BLOCK * VALUE_STRIDE;
const GRADIENTS = QUERIES + TILE * STRIDE;
const WEIGHTS = GRADIENTS + TILE * VALUE_STRIDE;
const SLOPES = WEIGHTS + BLOCK * WEIGHT_STRIDE;
const HALVES = SLOPES + BLOCK * WEIGHT_STRIDE;
const PRODUCTS = 0u;
const WEIGHT_GRADIENTS = PRODUCTS + BLOCK * PRODUCT_STRIDE;
const SUMS = WEIGHT_GRADIENTS + BLOCK * PRODUCT_STRIDE;
const VALUE_SUMS = SUMS + BLOCK * SUM_STRIDE;
const FLOATS = VALUE_SUMS + BLOCK * VALUE_SUM_STRIDE;

var<workgroup> key_norms: array<f32, BLOCK>;
var<workgroup> query_norms: array<f32, TILE>;
var<workgroup> row_numbers: array<vec2f, TILE>;

// Zeros past the last of `count` keys.
fn load_keys(start: u32, first: u32, count: u32) {
  for (var e = lane; e < BLOCK * VEC4S; e += LANES) {
    let row = e / VEC4S;
    let part = key_vec4(start + min(first + row, sizes.keys - 1u), e % VEC4S);
    put_vec4(KEYS + row * STRIDE + e % VEC4S * 4u, select(vec4f(0.0), part, first + row < count));
  }
  for (var e = lane; e < BLOCK * VALUE_VEC4S; e += LANES) {
    let row = e / VALUE_VEC4S;
    let part = value_vec4(start + min(first + row, sizes.keys - 1u), e % VALUE_VEC4S);
    put_vec4(VALUES + row * VALUE_STRIDE + e % VALUE_VEC4S * 4u, select(vec4f(0.0), part, first + row < count));
  }
  workgroupBarrier();
  for (var row = lane; row < BLOCK; row += LANES) {
    key_norms[row] = squared_length(KEYS + row * STRIDE);
  }
}

// Zeros past the last of `count` queries.
fn load_queries(base: u32, first: u32, count: u32) {
  workgroupBarrier();
  for (var e = lane; e < TILE * VEC4S; e += LANES) {
    let row = e / VEC4S;
    let part = query_vec4(base + min(first + row, sizes.queries - 1u), e % VEC4S);
    put_vec4(QUERIES + row * STRIDE + e % VEC4S * 4u, select(vec4f(0.0), part, first + row < count));
  }
  for (var e = lane; e < TILE * VALUE_VEC4S; e += LANES) {
    let row = e / VALUE_VEC4S;
    let part = output_gradient_vec4(base + min(first + row, sizes.queries - 1u), e % VALUE_VEC4S);
    put_vec4(GRADIENTS + row * VALUE_STRIDE + e % VALUE_VEC4S * 4u, select(vec4f(0.0), part, first + row < count));
  }
  workgroupBarrier();
  for (var row = lane; row < TILE; row += LANES) {
    query_norms[row] = squared_length(QUERIES + row * STRIDE);
    row_numbers[row] = statistic_and_delta(base + min(first + row, sizes.queries - 1u));
  }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32, @builtin(subgroup_id) number: u32, @builtin(num_subgroups) count: u32) {
  lane = index;
  let subgroup = Subgroup(number, count);
  let start = (group.z * sizes.key_heads + group.y) * sizes.keys;
  let first_key = group.x * BLOCK;
  let shared_by = sizes.heads / sizes.key_heads;
  let r = lane / SHARE;
  let first_column = lane % SHARE * COLUMNS;
  let j = first_key + r;
  load_keys(start, first_key, key_count(group.z));

  var by_norm = 0.0;
  var unit = SMALLEST_UNIT;
  var value_unit = SMALLEST_UNIT;
  let seen_by = visible_queries(group.z, first_key, first_key + BLOCK - 1u);
  for (var head = group.y * shared_by; head < (group.y + 1u) * shared_by; head++) {
    load_parameters(head);
    let base = (group.z * sizes.heads + head) * sizes.queries;
    for (var first = seen_by.x; first < seen_by.y; first += TILE) {
      load_queries(base, first, query_count(group.z));
      multiply_transposed(subgroup, Matrix(PRODUCTS, PRODUCT_STRIDE), Matrix(KEYS, STRIDE), Matrix(QUERIES, STRIDE), BLOCK, TILE, WIDTH);
      multiply_transposed(subgroup, Matrix(WEIGHT_GRADIENTS, PRODUCT_STRIDE), Matrix(VALUES, VALUE_STRIDE), Matrix(GRADIENTS, VALUE_STRIDE), BLOCK, TILE, VALUE_WIDTH);
      workgroupBarrier();
      var slopes = array<f32, COLUMNS>();
      var weights = array<f32, COLUMNS>();
      for (var c = 0u; c < COLUMNS; c++) {
        let i = first_column + c;
        let pair = Pair(floats[PRODUCTS + r * PRODUCT_STRIDE + i], query_norms[i], key_norms[r]);
        let s = visible_score(pair, Place(group.z, head, first + i, j));
        if (is_visible(s)) {
          let numbers = row_numbers[i];
          weights[c] = normalized_weight(s, numbers.x);
          let weight_gradient = floats[WEIGHT_GRADIENTS + r * PRODUCT_STRIDE + i];
          let ds = score_gradient(s, weights[c], weight_gradient, numbers.y, numbers.x) * bend_derivative(pair);
          let partials = score_partials(pair);
          by_norm += ds * partials.key_norm;
          slopes[c] = ds * partials.product;
        }
      }
      let place = r * WEIGHT_STRIDE + first_column;
      scale_sums(SUMS + r * SUM_STRIDE, WIDTH, narrow(&slopes, &unit, SLOPES + place));
      scale_sums(VALUE_SUMS + r * VALUE_SUM_STRIDE, VALUE_WIDTH, narrow(&weights, &value_unit, WEIGHTS + place));
      if (atomicLoad(&rows_lost) == 1u) {
        hide_lost(QUERIES, STRIDE, TILE, WIDTH);
        hide_lost(GRADIENTS, VALUE_STRIDE, TILE, VALUE_WIDTH);
        for (var i = first; i < min(first + TILE, seen_by.y); i++) {
          for (var e = lane % SHARE; e < sizes.value_dim; e += SHARE) {
            let lost = lost_part(output_gradient_vec4(base + i, e / 4u))[e % 4u];
            floats[VALUE_SUMS + r * VALUE_SUM_STRIDE + e] += select(0.0, lost, is_seen(Place(group.z, head, i, j)));
          }
        }
      }
      workgroupBarrier();
      add_product(subgroup, Matrix(SUMS, SUM_STRIDE), Matrix(SLOPES, WEIGHT_STRIDE), Matrix(QUERIES, STRIDE), BLOCK, WIDTH, TILE);
      add_product(subgroup, Matrix(VALUE_SUMS, VALUE_SUM_STRIDE), Matrix(WEIGHTS, WEIGHT_STRIDE), Matrix(GRADIENTS, VALUE_STRIDE), BLOCK, VALUE_WIDTH, TILE);
    }
  }

  let whole_by_norm = row_total(by_norm);
  if (j < sizes.keys) {
    for (var c = lane % SHARE; c < VEC4S; c += SHARE) {
      let key = half_vec4(KEYS + r * STRIDE + c * 4u);
      store_key_gradients(start + j, c, sizes.dim, unit * sum_vec4(SUMS + r * SUM_STRIDE + c * 4u) + by_length(whole_by_norm, key));
    }
    for (var c = lane % SHARE; c < VALUE_VEC4S; c += SHARE) {
      store_value_gradients(start + j, c, sizes.value_dim, value_unit * sum_vec4(VALUE_SUMS + r * VALUE_SUM_STRIDE + c * 4u));
    }
  }
}
