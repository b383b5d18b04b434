// out_i = sum_j w_ij v_j / z_i. One query row an invocation; keys and values pass by in tiles.
// Writes outputs: Stored [rows, value_dim] and statistics: f32 [rows].

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * ROWS + lane;
  let row = (group.z * sizes.heads + group.y) * sizes.queries + min(i, sizes.queries - 1u);
  let base = first_key_row(group.z, group.y);
  load_parameters(group.y);
  load_query(row);

  var state = row_start();
  var sums: array<vec4f, VALUE_VEC4S>;
  var scores: array<f32, TILE>;
  let keys_seen = visible_keys(group.z, group.x * ROWS, group.x * ROWS + ROWS - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += TILE) {
    load_key_tile(base, first, lane);
    let count = min(TILE, keys_seen.y - first);
    var maximum = HIDDEN;
    for (var j = 0u; j < count; j++) {
      scores[j] = visible_score(pair_with_tile(j), Place(group.z, group.y, i, first + j));
      maximum = max(maximum, scores[j]);
    }
    if (is_visible(maximum)) {
      let factor = row_advance(&state, maximum);
      for (var c = 0u; c < VALUE_VEC4S; c++) {
        sums[c] *= factor;
      }
    }
    for (var j = 0u; j < count; j++) {
      if (is_visible(scores[j])) {
        let w = row_weight(state, scores[j]);
        row_add(&state, w);
        for (var c = 0u; c < VALUE_VEC4S; c++) {
          sums[c] += w * tile_values[j * VALUE_VEC4S + c];
        }
      }
    }
  }

  if (i < sizes.queries) {
    let factor = row_factor(state);
    for (var c = 0u; c < value_vec4s(); c++) {
      store_outputs(row, c, sizes.value_dim, factor * sums[c]);
    }
    statistics[row] = row_statistic(state);
  }
}
