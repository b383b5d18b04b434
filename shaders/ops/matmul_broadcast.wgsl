// C = A B as in ops/matmul.wgsl, without workgroup memory: an invocation makes ROWS rows x 4 columns. The lanes of a
// subgroup load four columns of A once and hand them to each other, which adapters that pay much for a load and little
// for a broadcast like best. Needs subgroups of at least 4 lanes, of any size.
@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
  @builtin(subgroup_invocation_id) subgroup_lane: u32,
) {
  let place = tile_and_entry(group, groups);
  if (place.y >= sizes.batches) {
    return;
  }
  let bases = batch_bases(place.y);
  let row = place.x * ROWS;
  let column = (group.x * LANES + lane) * 4u;
  let step = subgroup_lane % 4u;
  var sums: array<vec4f, ROWS>;
  for (var k = 0u; k < sizes.inner; k += 4u) {
    let b0 = b_vec4(bases.y, k, column);
    let b1 = b_vec4(bases.y, k + 1u, column);
    let b2 = b_vec4(bases.y, k + 2u, column);
    let b3 = b_vec4(bases.y, k + 3u, column);
    for (var r = 0u; r < ROWS; r++) {
      // Four steps of the inner axis for one row of C; lane l (mod 4) holds the row's element of step l.
      let a = a_at(bases.x, row + r, k + step);
      sums[r] += subgroupBroadcast(a, 0u) * b0 + subgroupBroadcast(a, 1u) * b1 + subgroupBroadcast(a, 2u) * b2 + subgroupBroadcast(a, 3u) * b3;
    }
  }
  let base = place.y * sizes.rows * sizes.columns;
  for (var r = 0u; r < made_rows(row); r++) {
    for (var s = 0u; s < 4u; s++) {
      if (column + s < sizes.columns) {
        c[base + (row + r) * sizes.columns + column + s] = biased(sums[r][s], column + s);
      }
    }
  }
}
