// For few queries: a workgroup takes one query against SPLIT of its keys, and leaves the state of the row and its sums
// so far. A lane scores one key of a tile, and sums the value components that it owns. Writes states: Row [rows,
// splits] and partial_sums: f32 [rows, splits, value_dim].

const LANE_VEC4S = (VALUE_VEC4S + ROWS - 1u) / ROWS;
var<workgroup> tile_scores: array<f32, TILE>;

@compute @workgroup_size(ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let head = group.y / sizes.queries;
  let i = group.y % sizes.queries;
  let row = (group.z * sizes.heads + head) * sizes.queries + i;
  let base = first_key_row(group.z, head);
  load_parameters(head);
  load_query(row);

  var state = row_start();
  var sums: array<vec4f, LANE_VEC4S>;
  let keys_seen = visible_keys(group.z, i, i);
  let end = min(keys_seen.y, (group.x + 1u) * SPLIT);
  for (var first = max(keys_seen.x, group.x * SPLIT); first < end; first += TILE) {
    load_key_tile(base, first, lane);
    for (var j = lane; j < TILE; j += ROWS) {
      tile_scores[j] = HIDDEN;
      if (first + j < end) {
        tile_scores[j] = visible_score(pair_with_tile(j), Place(group.z, head, i, first + j));
      }
    }
    workgroupBarrier();
    var maximum = HIDDEN;
    for (var j = 0u; j < TILE; j++) {
      maximum = max(maximum, tile_scores[j]);
    }
    if (is_visible(maximum)) {
      let factor = row_advance(&state, maximum);
      for (var p = 0u; p < LANE_VEC4S; p++) {
        sums[p] *= factor;
      }
      for (var j = 0u; j < TILE; j++) {
        if (is_visible(tile_scores[j])) {
          let w = row_weight(state, tile_scores[j]);
          row_add(&state, w);
          for (var p = 0u; p < LANE_VEC4S; p++) {
            sums[p] += w * tile_values[j * VALUE_VEC4S + min(p * ROWS + lane, VALUE_VEC4S - 1u)];
          }
        }
      }
    }
  }

  let place = row * groups.x + group.x;
  if (lane == 0u) {
    states[place] = state;
  }
  for (var p = 0u; p < LANE_VEC4S; p++) {
    for (var s = 0u; s < 4u; s++) {
      let c = (p * ROWS + lane) * 4u + s;
      if (c < sizes.value_dim) {
        partial_sums[place * sizes.value_dim + c] = sums[p][s];
      }
    }
  }
}
