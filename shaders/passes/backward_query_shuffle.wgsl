// dq_i as in passes/backward_query.wgsl, without workgroup memory: lanes hand their keys and values to each other.
// Writes query_gradients: Stored [rows, dim].

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = (group.z * sizes.heads + group.y) * sizes.queries;
  let first_query = group.x * BLOCK;
  let base = first_key_row(group.z, group.y);
  load_parameters(group.y);
  var output_gradients: array<vec4f, RUN * VALUE_VEC4S>;
  var row_numbers: array<vec2f, RUN>;
  for (var r = 0u; r < RUN; r++) {
    let row = start + min(first_query + r * LANES + lane, sizes.queries - 1u);
    hold_query(r, row);
    row_numbers[r] = statistic_and_delta(row);
    for (var c = 0u; c < value_vec4s(); c++) {
      output_gradients[r * VALUE_VEC4S + c] = output_gradient_vec4(row, c);
    }
  }

  var gradients: array<vec4f, RUN * VEC4S>;
  var by_norm: array<f32, RUN>;
  let keys_seen = visible_keys(group.z, first_query, first_query + BLOCK - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += LANES) {
    load_own_key(base + min(first + lane, sizes.keys - 1u));
    let count = min(LANES, keys_seen.y - first);
    // A cotangent of zero would not hide a key that is not finite: it becomes zeros, and its products NaN.
    var taint = 0.0;
    if (subgroupAny(!is_finite(own_key_total))) {
      taint = select(nan(), 0.0, is_finite(own_key_total));
      for (var c = 0u; c < VEC4S; c++) {
        own_key[c] = finite_part(own_key[c]);
      }
    }
    for (var j = 0u; j < count; j++) {
      var products = multiply_with_key(j);
      let key_taint = subgroupShuffle(taint, j);
      let key_norm = subgroupShuffle(own_key_norm, j);
      // Without a value, Dawn lets a variable of a loop keep its last one.
      var weight_gradients = array<f32, RUN>();
      for (var c = 0u; c < VALUE_VEC4S; c++) {
        let value = subgroupShuffle(own_value[c], j);
        for (var r = 0u; r < RUN; r++) {
          weight_gradients[r] += dot(output_gradients[r * VALUE_VEC4S + c], value);
        }
      }
      for (var r = 0u; r < RUN; r++) {
        let pair = Pair(products[r] + key_taint, query_norms[r], key_norm);
        let place = Place(group.z, group.y, first_query + r * LANES + lane, first + j);
        let s = visible_score(pair, place);
        let w = normalized_weight(s, row_numbers[r].x);
        let bent_gradient = score_gradient(s, w, weight_gradients[r], row_numbers[r].y, row_numbers[r].x);
        keep_score_gradient(place, select(0.0, bent_gradient, is_visible(s)));
        let ds = bent_gradient * bend_derivative(pair);
        let partials = score_partials(pair);
        by_norm[r] += select(0.0, ds * partials.query_norm, is_visible(s));
        products[r] = select(0.0, ds * partials.product, is_visible(s));
      }
      for (var c = 0u; c < VEC4S; c++) {
        let key = subgroupShuffle(own_key[c], j);
        for (var r = 0u; r < RUN; r++) {
          gradients[r * VEC4S + c] += products[r] * pair_by_query(queries_held[r * VEC4S + c], key);
        }
      }
    }
  }

  for (var r = 0u; r < RUN; r++) {
    let i = first_query + r * LANES + lane;
    if (i < sizes.queries) {
      for (var c = 0u; c < vec4s(); c++) {
        let p = r * VEC4S + c;
        store_query_gradients(start + i, c, sizes.dim, gradients[p] + by_length(by_norm[r], queries_held[p]));
      }
    }
  }
}
