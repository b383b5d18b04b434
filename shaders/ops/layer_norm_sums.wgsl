// Sums of n dy and of dy over CHUNK rows: one component of the rows an invocation, or four.
// Reads normalized and dy [rows, width], writes scale_sums and shift_sums [chunks, width]: Number.

fn element(index: u32) {
  let chunk = quotient(index, sizes.width);
  let first = chunk * CHUNK;
  var at = first * sizes.width + index - chunk * sizes.width;
  var by_scale = dy[at] * normalized[at];
  var by_shift = dy[at];
  for (var row = first + 1u; row < min(first + CHUNK, sizes.rows); row++) {
    at += sizes.width;
    by_scale += dy[at] * normalized[at];
    by_shift += dy[at];
  }
  scale_sums[index] = by_scale;
  shift_sums[index] = by_shift;
}
