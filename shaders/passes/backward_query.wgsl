// dq_i = sum_j ds_ij (ds/dproduct dproduct/dq + 2 ds/d|q|^2 q_i). One query row an invocation, no atomics.
// Writes query_gradients: Stored [rows, dim].

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * ROWS + lane;
  let row = (group.z * sizes.heads + group.y) * sizes.queries + min(i, sizes.queries - 1u);
  let base = first_key_row(group.z, group.y);
  load_parameters(group.y);
  load_query(row);
  load_output_gradient(row);
  let row_numbers = statistic_and_delta(row);

  var gradient: array<vec4f, VEC4S>;
  var by_norm = 0.0;
  let keys_seen = visible_keys(group.z, group.x * ROWS, group.x * ROWS + ROWS - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += TILE) {
    load_key_tile(base, first, lane);
    let count = min(TILE, keys_seen.y - first);
    for (var j = 0u; j < count; j++) {
      let pair = pair_with_tile(j);
      let place = Place(group.z, group.y, i, first + j);
      let s = visible_score(pair, place);
      if (!is_visible(s)) {
        keep_score_gradient(place, 0.0);
        continue;
      }
      let bent_gradient = score_gradient_with_tile(j, s, row_numbers);
      keep_score_gradient(place, bent_gradient);
      let ds = bent_gradient * bend_derivative(pair);
      let partials = score_partials(pair);
      by_norm += ds * partials.query_norm;
      for (var c = 0u; c < VEC4S; c++) {
        gradient[c] += ds * partials.product * pair_by_query(query[c], tile_keys[j * VEC4S + c]);
      }
    }
  }

  if (i < sizes.queries) {
    for (var c = 0u; c < vec4s(); c++) {
      store_query_gradients(row, c, sizes.dim, gradient[c] + by_length(by_norm, query[c]));
    }
  }
}
