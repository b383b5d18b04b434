// dk_j and dv_j as in passes/backward_key_value.wgsl, without workgroup memory: RUN key rows an invocation, LANES
// apart; lanes hand their queries and output cotangents to each other. Writes key_gradients: Stored [rows, dim] and
// value_gradients: Stored [rows, value_dim].

const BLOCK = LANES * RUN;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = (group.z * sizes.key_heads + group.y) * sizes.keys;
  let first_key = group.x * BLOCK;
  let shared_by = sizes.heads / sizes.key_heads;

  var keys_held: array<vec4f, RUN * VEC4S>;
  var values_held: array<vec4f, RUN * VALUE_VEC4S>;
  var key_norms: array<f32, RUN>;
  for (var r = 0u; r < RUN; r++) {
    let row = start + min(first_key + r * LANES + lane, sizes.keys - 1u);
    for (var c = 0u; c < vec4s(); c++) {
      keys_held[r * VEC4S + c] = key_vec4(row, c);
      key_norms[r] += dot(keys_held[r * VEC4S + c], keys_held[r * VEC4S + c]);
    }
    for (var c = 0u; c < value_vec4s(); c++) {
      values_held[r * VALUE_VEC4S + c] = value_vec4(row, c);
    }
  }

  var key_gradient: array<vec4f, RUN * VEC4S>;
  var value_gradient: array<vec4f, RUN * VALUE_VEC4S>;
  var by_norm: array<f32, RUN>;
  var own_query: array<vec4f, VEC4S>;
  var own_gradient: array<vec4f, VALUE_VEC4S>;
  let seen_by = visible_queries(group.z, first_key, first_key + BLOCK - 1u);
  for (var head = group.y * shared_by; head < (group.y + 1u) * shared_by; head++) {
    load_parameters(head);
    let base = (group.z * sizes.heads + head) * sizes.queries;
    for (var first = seen_by.x; first < seen_by.y; first += LANES) {
      let row = base + min(first + lane, sizes.queries - 1u);
      var own_norm = 0.0;
      var own_total = 0.0;
      for (var c = 0u; c < vec4s(); c++) {
        own_query[c] = query_vec4(row, c);
        own_norm += dot(own_query[c], own_query[c]);
        own_total += total(own_query[c]);
      }
      for (var c = 0u; c < value_vec4s(); c++) {
        own_gradient[c] = output_gradient_vec4(row, c);
        own_total += total(own_gradient[c]);
      }
      // Weights and cotangents of zero would not hide a query that is not finite: it becomes zeros, and its products
      // NaN.
      var taint = 0.0;
      if (subgroupAny(!is_finite(own_total))) {
        taint = select(nan(), 0.0, is_finite(own_total));
        for (var c = 0u; c < VEC4S; c++) {
          own_query[c] = finite_part(own_query[c]);
        }
        for (var c = 0u; c < VALUE_VEC4S; c++) {
          own_gradient[c] = finite_part(own_gradient[c]);
        }
      }
      let own_numbers = vec4f(own_norm, statistic_and_delta(row), taint);
      let count = min(LANES, seen_by.y - first);
      for (var i = 0u; i < count; i++) {
        // Without a value, Dawn lets a variable of a loop keep its last one.
        var products = array<f32, RUN>();
        var weights = array<f32, RUN>();
        let numbers = subgroupShuffle(own_numbers, i);
        for (var r = 0u; r < RUN; r++) {
          products[r] = numbers.w;
        }
        for (var c = 0u; c < VEC4S; c++) {
          let query = subgroupShuffle(own_query[c], i);
          for (var r = 0u; r < RUN; r++) {
            products[r] += pair_product(query, keys_held[r * VEC4S + c]);
          }
        }
        for (var c = 0u; c < VALUE_VEC4S; c++) {
          let gradient = subgroupShuffle(own_gradient[c], i);
          for (var r = 0u; r < RUN; r++) {
            weights[r] += dot(gradient, values_held[r * VALUE_VEC4S + c]);
          }
        }
        for (var r = 0u; r < RUN; r++) {
          let pair = Pair(products[r], numbers.x, key_norms[r]);
          let s = visible_score(pair, Place(group.z, head, first + i, first_key + r * LANES + lane));
          let w = select(0.0, normalized_weight(s, numbers.y), is_visible(s));
          let ds = score_gradient(s, w, weights[r], numbers.z, numbers.y) * bend_derivative(pair);
          let partials = score_partials(pair);
          by_norm[r] += select(0.0, ds * partials.key_norm, is_visible(s));
          products[r] = select(0.0, ds * partials.product, is_visible(s));
          weights[r] = w;
        }
        for (var c = 0u; c < VEC4S; c++) {
          let query = subgroupShuffle(own_query[c], i);
          for (var r = 0u; r < RUN; r++) {
            key_gradient[r * VEC4S + c] += products[r] * pair_by_key(query, keys_held[r * VEC4S + c]);
          }
        }
        for (var c = 0u; c < VALUE_VEC4S; c++) {
          let gradient = subgroupShuffle(own_gradient[c], i);
          for (var r = 0u; r < RUN; r++) {
            value_gradient[r * VALUE_VEC4S + c] += weights[r] * gradient;
          }
        }
      }
    }
  }

  for (var r = 0u; r < RUN; r++) {
    let j = first_key + r * LANES + lane;
    if (j < sizes.keys) {
      for (var c = 0u; c < vec4s(); c++) {
        let p = r * VEC4S + c;
        store_key_gradients(start + j, c, sizes.dim, key_gradient[p] + by_length(by_norm[r], keys_held[p]));
      }
      for (var c = 0u; c < value_vec4s(); c++) {
        store_value_gradients(start + j, c, sizes.value_dim, value_gradient[r * VALUE_VEC4S + c]);
      }
    }
  }
}
