// For every component of every head the median of those of at most SAMPLES keys, spread evenly; 0 where none is finite.
// With EXACT = 1 also 0 unless most of those keys, and of as many queries, lie within half of it: what it is taken off
// then keeps float16's digits. Reads keys [heads, keys, width] and queries [heads, queries, width], writes centers
// [heads, width]: f32.

const SAMPLES = 15u;

/// The row of a sample, every (rows / taken)-th, without a product that overflows.
fn sampled_row(s: u32, taken: u32, rows: u32) -> u32 {
  return s * (rows / taken) + s * (rows % taken) / taken;
}

fn element(index: u32) {
  let head = quotient(index, sizes.width);
  let component = index - head * sizes.width;
  let taken = min(SAMPLES, sizes.keys);
  var numbers: array<f32, SAMPLES>;
  var count = 0u;
  for (var s = 0u; s < taken; s++) {
    let x = keys[(head * sizes.keys + sampled_row(s, taken, sizes.keys)) * sizes.width + component];
    if (is_finite(x)) {
      numbers[count] = x;
      count++;
    }
  }
  var median = 0.0;
  for (var s = 0u; s < count; s++) {
    var before = 0u;
    for (var t = 0u; t < count; t++) {
      before += select(0u, 1u, (numbers[t] < numbers[s]) | ((numbers[t] == numbers[s]) & (t < s)));
    }
    if (before == count / 2u) {
      median = numbers[s];
    }
  }
  if (EXACT == 1) {
    let reach = 0.5 * abs(median);
    var near_keys = 0u;
    for (var s = 0u; s < count; s++) {
      near_keys += select(0u, 1u, abs(numbers[s] - median) <= reach);
    }
    let asked = min(SAMPLES, sizes.queries);
    var near_queries = 0u;
    for (var s = 0u; s < asked; s++) {
      let x = queries[(head * sizes.queries + sampled_row(s, asked, sizes.queries)) * sizes.width + component];
      near_queries += select(0u, 1u, abs(x - median) <= reach);
    }
    if (2u * near_keys < count || 2u * near_queries < asked) {
      median = 0.0;
    }
  }
  centers[index] = median;
}
