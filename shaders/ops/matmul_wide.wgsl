// C = A B as in ops/matmul_broadcast.wgsl, for matrices whose rows in memory are whole vec4s: every load and store is
// of four numbers. Constants of the header: LANES of a subgroup; ROWS of a workgroup; A_ACROSS and B_ACROSS, 1 where
// the operand lies transposed in memory. Reads a and b, writes c: vec4f.

// The 8 x 4 numbers of A for four steps of the inner axis are eight vec4s, shared out over the lanes.
const HELD = (ROWS + LANES - 1u) / LANES;
var<private> a_held: array<vec4f, HELD>;

fn hold_a(base: u32, row: u32, k: u32, lane: u32) {
  for (var h = 0u; h < HELD; h++) {
    let part = (h * LANES + lane) % ROWS;
    if (A_ACROSS == 1u) {
      // Four rows at one step.
      let first = min(row + part % 2u * 4u, sizes.rows - 4u);
      a_held[h] = a[(base + (k + part / 2u) * sizes.a_inner + first) / 4u];
    } else {
      // One row at four steps.
      a_held[h] = a[(base + min(row + part, sizes.rows - 1u) * sizes.a_row + k) / 4u];
    }
  }
}

fn a_vec4(part: u32) -> vec4f {
  return subgroupShuffle(a_held[part / LANES], part % LANES);
}

// Four steps of a row.
fn a_steps(r: u32) -> vec4f {
  if (A_ACROSS == 1u) {
    return vec4f(a_vec4(r / 4u)[r % 4u], a_vec4(2u + r / 4u)[r % 4u], a_vec4(4u + r / 4u)[r % 4u], a_vec4(6u + r / 4u)[r % 4u]);
  }
  return a_vec4(r);
}

// Four columns at each of four steps.
fn b_steps(base: u32, k: u32, column: u32) -> mat4x4f {
  if (B_ACROSS == 1u) {
    let at = base + column * sizes.b_column + k;
    let step = sizes.b_column;
    return transpose(mat4x4f(b[at / 4u], b[(at + step) / 4u], b[(at + 2u * step) / 4u], b[(at + 3u * step) / 4u]));
  }
  let at = base + k * sizes.b_inner + column;
  let step = sizes.b_inner;
  return mat4x4f(b[at / 4u], b[(at + step) / 4u], b[(at + 2u * step) / 4u], b[(at + 3u * step) / 4u]);
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
  let row = place.x * ROWS;
  let column = (group.x * LANES + lane) * 4u;
  let loaded = min(column, sizes.columns - 4u);
  var sums: array<vec4f, ROWS>;
  for (var k = 0u; k < sizes.inner; k += 4u) {
    hold_a(bases.x, row, k, subgroup_lane);
    let steps = b_steps(bases.y, k, loaded);
    for (var r = 0u; r < ROWS; r++) {
      sums[r] += steps * a_steps(r);
    }
  }
  if (column < sizes.columns) {
    for (var r = 0u; r < ROWS; r++) {
      if (row + r < sizes.rows) {
        c[(place.y * sizes.rows * sizes.columns + (row + r) * sizes.columns + column) / 4u] = sums[r];
      }
    }
  }
}
