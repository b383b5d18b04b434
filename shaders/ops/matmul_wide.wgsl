// C = A B as in ops/matmul_broadcast.wgsl, for matrices whose rows in memory are whole vec4s: every load and store is
// of four numbers. Constants of the header: LANES of a subgroup; ROWS of a workgroup, a multiple of 4; A_ACROSS and
// B_ACROSS, 1 where the operand lies transposed in memory. Reads a and b, writes c: Number, a vec4f.
//
// One of the three may lie in heads, [batch, heads, tokens, dim], and stand for the matrix [batch tokens, heads dim].
// Places along an axis then are a step apart, but for a skip after every so many: (step, so many, skip) for the rows of
// A and C, and the columns of B and C. Along the inner axis both operands are even in runs of `run`; from run to run
// they move by the fourth number.

// Where element `index` of an axis lies, from the first on.
fn along(index: u32, axis: vec4u) -> u32 {
  return index * axis.x + quotient(index, axis.y) * axis.z;
}

// The ROWS x 4 numbers of A for four steps of the inner axis are ROWS vec4s, shared out over the lanes.
const HELD = (ROWS + LANES - 1u) / LANES;
var<private> a_first: array<u32, HELD>;
var<private> a_held: array<vec4f, HELD>;

// Where the parts of A that the lane loads begin.
fn place_a(base: u32, row: u32, lane: u32) {
  for (var h = 0u; h < HELD; h++) {
    let part = (h * LANES + lane) % ROWS;
    if (A_ACROSS == 1u) {
      // Four rows at one step.
      let first = min(row + part % (ROWS / 4u) * 4u, sizes.rows - 4u);
      a_first[h] = base + part / (ROWS / 4u) * sizes.a_inner + along(first, sizes.a_rows);
    } else {
      // One row at four steps.
      a_first[h] = base + along(min(row + part, sizes.rows - 1u), sizes.a_rows);
    }
  }
}

fn a_vec4(part: u32) -> vec4f {
  return subgroupShuffle(a_held[part / LANES], part % LANES);
}

// Four steps of a row.
fn a_steps(r: u32) -> vec4f {
  if (A_ACROSS == 1u) {
    let part = r / 4u;
    return vec4f(
      a_vec4(part)[r % 4u],
      a_vec4(ROWS / 4u + part)[r % 4u],
      a_vec4(ROWS / 2u + part)[r % 4u],
      a_vec4(3u * ROWS / 4u + part)[r % 4u],
    );
  }
  return a_vec4(r);
}

// Four columns at each of four steps.
fn b_steps(at: u32) -> mat4x4f {
  let step = select(sizes.b_inner, sizes.b_columns.x, B_ACROSS == 1u);
  let steps = mat4x4f(b[at / 4u], b[(at + step) / 4u], b[(at + 2u * step) / 4u], b[(at + 3u * step) / 4u]);
  if (B_ACROSS == 1u) {
    return transpose(steps);
  }
  return steps;
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
  place_a(bases.x, row, subgroup_lane);
  let b_first = bases.y + along(min(column, sizes.columns - 4u), sizes.b_columns);
  var sums: array<vec4f, ROWS>;
  for (var run = 0u; run * sizes.run < sizes.inner; run++) {
    for (var k = 0u; k < sizes.run; k += 4u) {
      for (var h = 0u; h < HELD; h++) {
        a_held[h] = a[(a_first[h] + run * sizes.a_rows.w + k * sizes.a_inner) / 4u];
      }
      let steps = b_steps(b_first + run * sizes.b_columns.w + k * sizes.b_inner);
      for (var r = 0u; r < ROWS; r++) {
        sums[r] += steps * a_steps(r);
      }
    }
  }
  if (column < sizes.columns) {
    let first = place.y * sizes.rows * sizes.columns + along(row, sizes.c_rows) + along(column, sizes.c_columns);
    for (var r = 0u; r < made_rows(row); r++) {
      c[(first + r * sizes.c_rows.x) / 4u] = biased(sums[r], column / 4u);
    }
  }
}
