// out_i = sum_j w_ij v_j / z_i as in passes/forward.wgsl, without workgroup memory: lanes hand their keys and values to
// each other. Writes outputs: Stored [rows, value_dim] and statistics: f32 [rows].

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = (group.z * sizes.heads + group.y) * sizes.queries;
  let first_query = group.x * BLOCK;
  let base = first_key_row(group.z, group.y);
  load_parameters(group.y);
  var states: array<Row, RUN>;
  for (var r = 0u; r < RUN; r++) {
    hold_query(r, start + min(first_query + r * LANES + lane, sizes.queries - 1u));
    states[r] = row_start();
  }

  var sums: array<vec4f, RUN * VALUE_VEC4S>;
  let keys_seen = visible_keys(group.z, first_query, first_query + BLOCK - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += LANES) {
    load_own_key(base + min(first + lane, sizes.keys - 1u));
    let count = min(LANES, keys_seen.y - first);
    // A weight of zero must hide such values too.
    let values_lost = subgroupAny(!is_finite(own_value_total));
    if (values_lost) {
      for (var c = 0u; c < VALUE_VEC4S; c++) {
        own_value[c] = finite_part(own_value[c]);
      }
    }
    for (var j = 0u; j < count; j++) {
      var products = multiply_with_key(j);
      let key_norm = subgroupShuffle(own_key_norm, j);
      var weights = array<f32, RUN>();
      for (var r = 0u; r < RUN; r++) {
        let s = visible_score(Pair(products[r], query_norms[r], key_norm), Place(group.z, group.y, first_query + r * LANES + lane, first + j));
        var state = states[r];
        let factor = row_advance(&state, s);
        if (subgroupAny(factor != 1.0)) {
          for (var c = 0u; c < VALUE_VEC4S; c++) {
            sums[r * VALUE_VEC4S + c] *= factor;
          }
        }
        weights[r] = select(0.0, row_weight(state, s), is_visible(s));
        row_add(&state, weights[r]);
        states[r] = state;
      }
      for (var c = 0u; c < VALUE_VEC4S; c++) {
        let value = subgroupShuffle(own_value[c], j);
        for (var r = 0u; r < RUN; r++) {
          sums[r * VALUE_VEC4S + c] += weights[r] * value;
        }
      }
    }
    if (values_lost) {
      for (var j = 0u; j < count; j++) {
        for (var c = 0u; c < value_vec4s(); c++) {
          let lost = lost_part(value_vec4(base + first + j, c));
          for (var r = 0u; r < RUN; r++) {
            let seen = is_seen(Place(group.z, group.y, first_query + r * LANES + lane, first + j));
            sums[r * VALUE_VEC4S + c] += select(vec4f(0.0), lost, seen);
          }
        }
      }
    }
  }

  for (var r = 0u; r < RUN; r++) {
    let i = first_query + r * LANES + lane;
    if (i < sizes.queries) {
      let factor = row_factor(states[r]);
      for (var c = 0u; c < value_vec4s(); c++) {
        store_outputs(start + i, c, sizes.value_dim, factor * sums[r * VALUE_VEC4S + c]);
      }
      statistics[start + i] = row_statistic(states[r]);
    }
  }
}
