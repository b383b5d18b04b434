// One row of parameter gradients a query, sum_j ds_ij ds_ij/dparameters; a reduction sums the rows afterwards.
// Writes parameter_gradients: f32 [rows, parameters].

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = group.x * ROWS + lane;
  let row = (group.z * sizes.heads + group.y) * sizes.queries + min(i, sizes.queries - 1u);
  let base = first_key_row(group.z, group.y);
  load_parameters(group.y);
  load_query(row);
  load_output_gradient(row);
  let row_numbers = statistic_and_delta(row);

  var gradient = vec4f(0.0);
  let keys_seen = visible_keys(group.z, group.x * ROWS, group.x * ROWS + ROWS - 1u);
  for (var first = keys_seen.x; first < keys_seen.y; first += TILE) {
    load_key_tile(base, first, lane);
    let count = min(TILE, keys_seen.y - first);
    for (var j = 0u; j < count; j++) {
      let pair = pair_with_tile(j);
      let s = visible_score(pair, Place(group.z, group.y, i, first + j));
      if (!is_visible(s)) {
        continue;
      }
      gradient += score_gradient_with_tile(j, s, row_numbers) * bend_derivative(pair) * score_by_parameters(pair);
    }
  }

  if (i < sizes.queries) {
    for (var p = 0u; p < sizes.parameters; p++) {
      parameter_gradients[row * sizes.parameters + p] = gradient[p];
    }
  }
}
