// x [outer, length, inner] to y [outer, chunks, inner], count elements: each invocation folds CHUNK elements of the
// middle axis into one. Reads x, writes y: f32.

fn element(index: u32) {
  let row = quotient(index, sizes.inner);
  let i = index - row * sizes.inner;
  let o = quotient(row, sizes.chunks);
  let chunk = row - o * sizes.chunks;
  let start = chunk * CHUNK;
  let end = min(start + CHUNK, sizes.length);
  var folded = x[(o * sizes.length + start) * sizes.inner + i];
  for (var r = start + 1u; r < end; r++) {
    folded = fold(folded, x[(o * sizes.length + r) * sizes.inner + i]);
  }
  y[index] = folded;
}
