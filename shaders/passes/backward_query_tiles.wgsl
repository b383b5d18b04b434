// dq_i as in passes/backward_query.wgsl, by blocks in registers.
// Writes query_gradients: Stored [rows, dim].

fn left_vec4(second: bool, row: u32, part: u32) -> vec4f {
  if (second) {
    return output_gradient_vec4(row, part);
  }
  return query_vec4(row, part);
}

fn tile_product(second: bool, left: vec4f, right: vec4f) -> f32 {
  if (second) {
    return dot(left, right);
  }
  return pair_product(left, right);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = Strip((place.z * sizes.heads + place.y) * sizes.queries, first_row(place.x), query_count(place.z));
  let base = first_key_row(place.z, place.y);
  load_parameters(place.y);
  load_row_norms(own, lane);

  var gradients: array<vec4f, RUN * SLOTS>;
  var by_norm = 0.0;
  let keys_seen = visible_keys(place.z, own.first, own.first + ROWS - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += COLUMNS) {
    let others = Strip(base, first, key_count(place.z));
    let weight_gradients = multiply_tiles(true, own, others, lane);
    let products = multiply_tiles(false, own, others, lane);
    workgroupBarrier();
    var four = vec4f(0.0);
    for (var r = 0u; r < RUN; r++) {
      let norm = row_norms[own_row(r, lane)];
      let numbers = statistic_and_delta(strip_row(own, own_row(r, lane)));
      let i = own.first + own_row(r, lane);
      let j = first + lane % ACROSS;
      let c = products[r];
      let dw = weight_gradients[r];
      let g0 = pair_gradient(Pair(c.x, norm, column_norms.x), dw.x, numbers, Place(place.z, place.y, i, j));
      let g1 = pair_gradient(Pair(c.y, norm, column_norms.y), dw.y, numbers, Place(place.z, place.y, i, j + ACROSS));
      let g2 = pair_gradient(Pair(c.z, norm, column_norms.z), dw.z, numbers, Place(place.z, place.y, i, j + 2u * ACROSS));
      let g3 = pair_gradient(Pair(c.w, norm, column_norms.w), dw.w, numbers, Place(place.z, place.y, i, j + 3u * ACROSS));
      left_tile[r][lane / ACROSS][lane % ACROSS] = vec4f(g0.product, g1.product, g2.product, g3.product);
      four = share(four, r, g0.query_norm + g1.query_norm + g2.query_norm + g3.query_norm, lane);
    }
    workgroupBarrier();
    if (lane < ROWS) {
      by_norm += shared_sum(lane);
    }

    var held = array<vec4f, RUN * SLOTS>();
    for (var r = 0u; r < RUN; r++) {
      for (var p = 0u; p < SLOTS; p++) {
        held[r * SLOTS + p] = query_vec4(strip_row(own, own_row(r, lane)), min(own_part(false, p, lane), VEC4S - 1u));
      }
    }
    for (var group = 0u; group < ACROSS; group += GROUPS) {
      load_columns(false, others, group, lane);
      for (var g = 0u; g < GROUPS; g++) {
        let weights = weights_of(group + g, lane);
        for (var p = 0u; p < SLOTS; p++) {
          let k = loaded_columns(false, g, p, lane);
          for (var r = 0u; r < RUN; r++) {
            let w = weights[r];
            let q = held[r * SLOTS + p];
            gradients[r * SLOTS + p] = gradients[r * SLOTS + p] + w.x * pair_by_query(q, k[0]) + w.y * pair_by_query(q, k[1]) + w.z * pair_by_query(q, k[2]) + w.w * pair_by_query(q, k[3]);
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
    for (var p = 0u; p < SLOTS; p++) {
      let part = own_part(false, p, lane);
      if (own.first + row < sizes.queries && part < VEC4S) {
        let at = own.base + own.first + row;
        store_query_gradients(at, part, sizes.dim, gradients[r * SLOTS + p] + by_length(row_numbers[row], query_vec4(at, part)));
      }
    }
  }
}
