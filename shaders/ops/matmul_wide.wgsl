// C = A B as in ops/matmul_broadcast.wgsl, for matrices whose rows in memory are whole vec4s: every load and store is
// of four numbers. Constants of the header: LANES of a subgroup; ROWS of a workgroup, a multiple of 4; A_ACROSS and
// B_ACROSS, 1 where the operand lies transposed in memory. Reads a and b, writes c: Number, a vec4f.
//
// One of the three may lie in heads, [batch, heads, tokens, dim], and stand for the matrix [batch tokens, heads dim].
// Steps along an axis then are even but for a skip after every so many: (so many, skip) for the rows of A, the columns
// of B, and the rows and the columns of C. Along the inner axis both operands are even in runs of `run` steps.

// Where element `index` of an axis lies, from the first on.
fn along(index: u32, step: u32, every: u32, skip: u32) -> u32 {
  return index * step + quotient(index, every) * skip;
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
      a_first[h] = base + part / (ROWS / 4u) * sizes.a_inner + along(first, 1u, sizes.a_layout.x, sizes.a_layout.y);
    } else {
      // One row at four steps.
      let own = min(row + part, sizes.rows - 1u);
      a_first[h] = base + along(own, sizes.a_row, sizes.a_layout.x, sizes.a_layout.y);
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
  if (B_ACROSS == 1u) {
    let step = sizes.b_column;
    return transpose(mat4x4f(b[at / 4u], b[(at + step) / 4u], b[(at + 2u * step) / 4u], b[(at + 3u * step) / 4u]));
  }
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
  place_a(bases.x, row, subgroup_lane);
  let b_first = bases.y + along(min(column, sizes.columns - 4u), sizes.b_column, sizes.b_layout.x, sizes.b_layout.y);
  var sums: array<vec4f, ROWS>;
  for (var run = 0u; run * sizes.run < sizes.inner; run++) {
    for (var k = 0u; k < sizes.run; k += 4u) {
      for (var h = 0u; h < HELD; h++) {
        a_held[h] = a[(a_first[h] + run * sizes.a_layout.z + k * sizes.a_inner) / 4u];
      }
      let steps = b_steps(b_first + run * sizes.b_layout.z + k * sizes.b_inner);
      for (var r = 0u; r < ROWS; r++) {
        sums[r] += steps * a_steps(r);
      }
    }
  }
  if (column < sizes.columns) {
    let first = place.y * sizes.rows * sizes.columns + along(row, sizes.c_row, sizes.c_layout.x, sizes.c_layout.y)
      + along(column, 1u, sizes.c_layout.z, sizes.c_layout.w);
    for (var r = 0u; r < ROWS; r++) {
      if (row + r < sizes.rows) {
        c[(first + r * sizes.c_row) / 4u] = biased(sums[r], column / 4u);
      }
    }
  }
}
