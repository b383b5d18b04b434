// dk_j and dv_j as in passes/backward_key_value.wgsl, by blocks in registers: rows are keys, columns the queries of
// every head that shares them. Writes key_gradients: Stored [rows, dim] and value_gradients: Stored [rows, value_dim].

fn left_vec4(second: bool, row: u32, part: u32) -> vec4f {
  if (second) {
    return value_vec4(row, part);
  }
  return key_vec4(row, part);
}

fn right_vec4(second: bool, row: u32, part: u32) -> vec4f {
  if (second) {
    return output_gradient_vec4(row, part);
  }
  return query_vec4(row, part);
}

fn tile_product(second: bool, left: vec4f, right: vec4f) -> f32 {
  if (second) {
    return dot(left, right);
  }
  return pair_product(right, left);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = Strip((place.z * sizes.key_heads + place.y) * sizes.keys, first_row(place.x), key_count(place.z));
  let shared_by = sizes.heads / sizes.key_heads;
  load_row_norms(own, lane);

  var key_sums: array<vec4f, RUN * SLOTS>;
  var value_sums: array<vec4f, RUN * VALUE_SLOTS>;
  var by_norm = 0.0;
  let seen_by = visible_queries(place.z, own.first, own.first + ROWS - 1u);
  for (var head = place.y * shared_by; head < (place.y + 1u) * shared_by; head++) {
    load_parameters(head);
    let base = (place.z * sizes.heads + head) * sizes.queries;
    for (var first = seen_by.x; first < seen_by.y; first += COLUMNS) {
      let others = Strip(base, first, query_count(place.z));
      let weight_gradients = multiply_tiles(true, own, others, lane);
      let products = multiply_tiles(false, own, others, lane);
      let across = lane % ACROSS;
      let n0 = statistic_and_delta(strip_row(others, across));
      let n1 = statistic_and_delta(strip_row(others, across + ACROSS));
      let n2 = statistic_and_delta(strip_row(others, across + 2u * ACROSS));
      let n3 = statistic_and_delta(strip_row(others, across + 3u * ACROSS));
      workgroupBarrier();
      var slopes = array<vec4f, RUN>();
      var four = vec4f(0.0);
      for (var r = 0u; r < RUN; r++) {
        let norm = row_norms[own_row(r, lane)];
        let i = first + across;
        let j = own.first + own_row(r, lane);
        let c = products[r];
        let dw = weight_gradients[r];
        let g0 = pair_gradient(Pair(c.x, column_norms.x, norm), dw.x, n0, Place(place.z, head, i, j));
        let g1 = pair_gradient(Pair(c.y, column_norms.y, norm), dw.y, n1, Place(place.z, head, i + ACROSS, j));
        let g2 = pair_gradient(Pair(c.z, column_norms.z, norm), dw.z, n2, Place(place.z, head, i + 2u * ACROSS, j));
        let g3 = pair_gradient(Pair(c.w, column_norms.w, norm), dw.w, n3, Place(place.z, head, i + 3u * ACROSS, j));
        left_tile[r][lane / ACROSS][lane % ACROSS] = vec4f(g0.weight, g1.weight, g2.weight, g3.weight);
        slopes[r] = vec4f(g0.product, g1.product, g2.product, g3.product);
        four = share(four, r, g0.key_norm + g1.key_norm + g2.key_norm + g3.key_norm, lane);
      }
      workgroupBarrier();
      if (lane < ROWS) {
        by_norm += shared_sum(lane);
      }

      for (var group = 0u; group < ACROSS; group += VALUE_GROUPS) {
        load_columns(true, others, group, lane);
        for (var g = 0u; g < VALUE_GROUPS; g++) {
          let weights = weights_of(group + g, lane);
          for (var p = 0u; p < VALUE_SLOTS; p++) {
            let dout = loaded_columns(true, g, p, lane);
            for (var r = 0u; r < RUN; r++) {
              let w = weights[r];
              value_sums[r * VALUE_SLOTS + p] = value_sums[r * VALUE_SLOTS + p] + w.x * dout[0] + w.y * dout[1] + w.z * dout[2] + w.w * dout[3];
            }
          }
        }
      }

      if (atomicLoad(&columns_lost) == 1u) {
        for (var column = 0u; column < min(COLUMNS, others.count - first); column++) {
          for (var p = 0u; p < VALUE_SLOTS; p++) {
            let lost = lost_part(output_gradient_vec4(strip_row(others, column), min(own_part(true, p, lane), VALUE_VEC4S - 1u)));
            for (var r = 0u; r < RUN; r++) {
              let seen = is_seen(Place(place.z, head, first + column, own.first + own_row(r, lane)));
              value_sums[r * VALUE_SLOTS + p] += select(vec4f(0.0), lost, seen);
            }
          }
        }
      }

      put_products(slopes, lane);
      var held = array<vec4f, RUN * SLOTS>();
      for (var r = 0u; r < RUN; r++) {
        for (var p = 0u; p < SLOTS; p++) {
          held[r * SLOTS + p] = key_vec4(strip_row(own, own_row(r, lane)), min(own_part(false, p, lane), VEC4S - 1u));
        }
      }
      for (var group = 0u; group < ACROSS; group += GROUPS) {
        load_columns(false, others, group, lane);
        for (var g = 0u; g < GROUPS; g++) {
          let weights = weights_of(group + g, lane);
          for (var p = 0u; p < SLOTS; p++) {
            let q = loaded_columns(false, g, p, lane);
            for (var r = 0u; r < RUN; r++) {
              let w = weights[r];
              let k = held[r * SLOTS + p];
              key_sums[r * SLOTS + p] = key_sums[r * SLOTS + p] + w.x * pair_by_key(q[0], k) + w.y * pair_by_key(q[1], k) + w.z * pair_by_key(q[2], k) + w.w * pair_by_key(q[3], k);
            }
          }
        }
      }
    }
  }

  if (lane < ROWS) {
    row_numbers[lane] = by_norm;
  }
  workgroupBarrier();
  for (var r = 0u; r < RUN; r++) {
    let row = own_row(r, lane);
    let at = own.base + own.first + row;
    if (own.first + row < sizes.keys) {
      for (var p = 0u; p < SLOTS; p++) {
        let part = own_part(false, p, lane);
        if (part < VEC4S) {
          store_key_gradients(at, part, sizes.dim, key_sums[r * SLOTS + p] + by_length(row_numbers[row], key_vec4(at, part)));
        }
      }
      for (var p = 0u; p < VALUE_SLOTS; p++) {
        let part = own_part(true, p, lane);
        if (part < VALUE_VEC4S) {
          store_value_gradients(at, part, sizes.value_dim, value_sums[r * VALUE_SLOTS + p]);
        }
      }
    }
  }
}
