// For every component of every head the median of those of at most SAMPLES keys, spread evenly; 0 where none is finite.
struct Sizes {
  count: u32,
  keys: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> keys: array<f32>;
@group(0) @binding(2) var<storage, read_write> centers: array<f32>;

const SAMPLES = 15u;

fn element(index: u32) {
  let head = quotient(index, sizes.width);
  let component = index - head * sizes.width;
  let taken = min(SAMPLES, sizes.keys);
  var numbers: array<f32, SAMPLES>;
  var count = 0u;
  for (var s = 0u; s < taken; s++) {
    // Every (keys / taken)-th key, without a product that overflows.
    let key = s * (sizes.keys / taken) + s * (sizes.keys % taken) / taken;
    let x = keys[(head * sizes.keys + key) * sizes.width + component];
    if (is_finite(x)) {
      numbers[count] = x;
      count++;
    }
  }
  var median = 0.0;
  for (var s = 0u; s < count; s++) {
    var before = 0u;
    for (var t = 0u; t < count; t++) {
      before += select(0u, 1u, numbers[t] < numbers[s] || (numbers[t] == numbers[s] && t < s));
    }
    if (before == count / 2u) {
      median = numbers[s];
    }
  }
  centers[index] = median;
}
