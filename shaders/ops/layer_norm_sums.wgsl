// Sums of n dy, and of dy, over CHUNK rows: one component of the rows an invocation, or four.
// Reads normalized and dy [rows, width], writes terms [chunks, 2, width]: Number.

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
  terms[index + chunk * sizes.width] = by_scale;
  terms[index + chunk * sizes.width + sizes.width] = by_shift;
}
