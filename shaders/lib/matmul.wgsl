// What every matrix product reads: row and column strides, so that transposed operands need no copy, and a broadcast
// batch.

// Rows of C that a workgroup makes, from `row` on: tile_rows, or fewer at the end. The limit comes from the uniform, so
// that loops over stores are not unrolled: llvmpipe compiles every store lane by lane.
fn made_rows(row: u32) -> u32 {
  return min(sizes.tile_rows, sizes.rows - row);
}

// Where the matrices of A and of B for entry `entry` of the batch begin.
fn batch_bases(entry: u32) -> vec2u {
  var rest = entry;
  var bases = vec2u(0u);
  for (var step = 0u; step < 4u; step++) {
    let axis = 3u - step;
    bases += rest % sizes.extents[axis] * vec2u(sizes.a_batch[axis], sizes.b_batch[axis]);
    rest /= sizes.extents[axis];
  }
  return bases;
}

// The tile of rows, and the entry of the batch, of a workgroup: both are folded over y and z, as a dimension holds
// 65,535 at most.
fn tile_and_entry(group: vec3u, groups: vec3u) -> vec2u {
  let folded = group.z * groups.y + group.y;
  return vec2u(folded % sizes.row_tiles, folded / sizes.row_tiles);
}
