// C = A B as in ops/matmul.wgsl, without workgroup memory: an invocation makes 8 rows x 4 columns. The lanes of a
// subgroup load four columns of A once and hand them to each other, which adapters that pay much for a load and little
// for a broadcast like best. Needs subgroups of at least 4 lanes, of any size.
var<private> b0: vec4f;
var<private> b1: vec4f;
var<private> b2: vec4f;
var<private> b3: vec4f;

// Four steps of the inner axis for one row of C; lane l (mod 4) holds the row's element of step l.
fn row_step(a: f32) -> vec4f {
  return subgroupBroadcast(a, 0u) * b0 + subgroupBroadcast(a, 1u) * b1 + subgroupBroadcast(a, 2u) * b2 + subgroupBroadcast(a, 3u) * b3;
}

fn store(base: u32, row: u32, column: u32, sums: vec4f) {
  for (var s = 0u; s < 4u; s++) {
    if (row < sizes.rows && column + s < sizes.columns) {
      c[base + row * sizes.columns + column + s] = sums[s];
    }
  }
}

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
  let row = place.x * 8u;
  let column = (group.x * LANES + lane) * 4u;
  let step = subgroup_lane % 4u;
  var s0 = vec4f(0.0);
  var s1 = vec4f(0.0);
  var s2 = vec4f(0.0);
  var s3 = vec4f(0.0);
  var s4 = vec4f(0.0);
  var s5 = vec4f(0.0);
  var s6 = vec4f(0.0);
  var s7 = vec4f(0.0);
  for (var k = 0u; k < sizes.inner; k += 4u) {
    b0 = b_vec4(bases.y, k, column);
    b1 = b_vec4(bases.y, k + 1u, column);
    b2 = b_vec4(bases.y, k + 2u, column);
    b3 = b_vec4(bases.y, k + 3u, column);
    s0 += row_step(a_at(bases.x, row, k + step));
    s1 += row_step(a_at(bases.x, row + 1u, k + step));
    s2 += row_step(a_at(bases.x, row + 2u, k + step));
    s3 += row_step(a_at(bases.x, row + 3u, k + step));
    s4 += row_step(a_at(bases.x, row + 4u, k + step));
    s5 += row_step(a_at(bases.x, row + 5u, k + step));
    s6 += row_step(a_at(bases.x, row + 6u, k + step));
    s7 += row_step(a_at(bases.x, row + 7u, k + step));
  }
  let base = place.y * sizes.rows * sizes.columns;
  store(base, row, column, s0);
  store(base, row + 1u, column, s1);
  store(base, row + 2u, column, s2);
  store(base, row + 3u, column, s3);
  store(base, row + 4u, column, s4);
  store(base, row + 5u, column, s5);
  store(base, row + 6u, column, s6);
  store(base, row + 7u, column, s7);
}
