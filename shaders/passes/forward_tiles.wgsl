// out_i = sum_j w_ij v_j / z_i as in passes/forward.wgsl, by blocks in registers. Invocation i of a workgroup also
// keeps the state of row i. Writes outputs: Stored [rows, value_dim] and statistics: f32 [rows].

var<workgroup> states: array<Row, ROWS>;

fn left_vec4(second: bool, row: u32, part: u32) -> vec4f {
  return query_vec4(row, part);
}

fn tile_product(second: bool, query: vec4f, key: vec4f) -> f32 {
  return pair_product(query, key);
}

fn tile_weight(state: Row, score: f32) -> f32 {
  return select(0.0, row_weight(state, score), is_visible(score));
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) place: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = Strip((place.z * sizes.heads + place.y) * sizes.queries, first_row(place.x), query_count(place.z));
  let base = first_key_row(place.z, place.y);
  load_parameters(place.y);
  load_row_norms(own, lane);

  var state = row_start();
  var sums: array<vec4f, RUN * VALUE_SLOTS>;
  let keys_seen = visible_keys(place.z, own.first, own.first + ROWS - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += COLUMNS) {
    let others = Strip(base, first, key_count(place.z));
    let products = multiply_tiles(false, own, others, lane);
    put_products(products, lane);
    var four = vec4f(0.0);
    for (var r = 0u; r < RUN; r++) {
      let norm = row_norms[own_row(r, lane)];
      let i = own.first + own_row(r, lane);
      let j = first + lane % ACROSS;
      let c = left_tile[r][lane / ACROSS][lane % ACROSS];
      let s = vec4f(
        visible_score(Pair(c.x, norm, column_norms.x), Place(place.z, place.y, i, j)),
        visible_score(Pair(c.y, norm, column_norms.y), Place(place.z, place.y, i, j + ACROSS)),
        visible_score(Pair(c.z, norm, column_norms.z), Place(place.z, place.y, i, j + 2u * ACROSS)),
        visible_score(Pair(c.w, norm, column_norms.w), Place(place.z, place.y, i, j + 3u * ACROSS)),
      );
      left_tile[r][lane / ACROSS][lane % ACROSS] = s;
      four = share(four, r, max(max(s.x, s.y), max(s.z, s.w)), lane);
    }
    workgroupBarrier();
    if (lane < ROWS) {
      var maximum = HIDDEN;
      for (var across = 0u; across < ACROSS; across++) {
        maximum = max(maximum, shared_number(lane, across));
      }
      row_numbers[lane] = 1.0;
      if (is_visible(maximum)) {
        row_numbers[lane] = row_advance(&state, maximum);
      }
      states[lane] = state;
    }
    workgroupBarrier();
    for (var r = 0u; r < RUN; r++) {
      let now = states[own_row(r, lane)];
      let s = left_tile[r][lane / ACROSS][lane % ACROSS];
      left_tile[r][lane / ACROSS][lane % ACROSS] = vec4f(tile_weight(now, s.x), tile_weight(now, s.y), tile_weight(now, s.z), tile_weight(now, s.w));
    }
    for (var r = 0u; r < RUN; r++) {
      for (var p = 0u; p < VALUE_SLOTS; p++) {
        sums[r * VALUE_SLOTS + p] *= row_numbers[own_row(r, lane)];
      }
    }

    for (var group = 0u; group < ACROSS; group += VALUE_GROUPS) {
      load_columns(true, others, group, lane);
      for (var g = 0u; g < VALUE_GROUPS; g++) {
        let weights = weights_of(group + g, lane);
        for (var p = 0u; p < VALUE_SLOTS; p++) {
          let v = loaded_columns(true, g, p, lane);
          for (var r = 0u; r < RUN; r++) {
            let w = weights[r];
            sums[r * VALUE_SLOTS + p] = sums[r * VALUE_SLOTS + p] + w.x * v[0] + w.y * v[1] + w.z * v[2] + w.w * v[3];
          }
        }
      }
    }
    if (atomicLoad(&columns_lost) == 1u) {
      for (var column = 0u; column < min(COLUMNS, others.count - first); column++) {
        for (var p = 0u; p < VALUE_SLOTS; p++) {
          let lost = lost_part(value_vec4(strip_row(others, column), min(own_part(true, p, lane), VALUE_VEC4S - 1u)));
          for (var r = 0u; r < RUN; r++) {
            let seen = is_seen(Place(place.z, place.y, own.first + own_row(r, lane), first + column));
            sums[r * VALUE_SLOTS + p] += select(vec4f(0.0), lost, seen);
          }
        }
      }
    }
    if (lane < ROWS) {
      for (var g = 0u; g < ACROSS; g++) {
        let w = left_tile[lane / DOWN][lane % DOWN][g];
        row_add(&state, w.x);
        row_add(&state, w.y);
        row_add(&state, w.z);
        row_add(&state, w.w);
      }
    }
  }

  workgroupBarrier();
  if (lane < ROWS) {
    row_numbers[lane] = row_factor(state);
    if (slice == 0u && own.first + lane < sizes.queries) {
      statistics[own.base + own.first + lane] = row_statistic(state);
    }
  }
  workgroupBarrier();
  for (var r = 0u; r < RUN; r++) {
    let row = own_row(r, lane);
    for (var p = 0u; p < VALUE_SLOTS; p++) {
      let part = own_part(true, p, lane);
      if (own.first + row < sizes.queries && part < VALUE_VEC4S) {
        store_outputs(own.base + own.first + row, part, sizes.value_dim, row_numbers[row] * sums[r * VALUE_SLOTS + p]);
      }
    }
  }
}
