// The transpose of a lookup, without atomics: row t of the table sums the rows of dy at places[starts[t]] .. places[starts[t + 1] - 1].
struct Sizes {
  count: u32,
  width: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> places: array<u32>;
@group(0) @binding(4) var<storage, read_write> table_gradient: array<f32>;

fn element(index: u32) {
  let row = quotient(index, sizes.width);
  let column = index - row * sizes.width;
  var sum = 0.0;
  for (var p = starts[row]; p < starts[row + 1u]; p++) {
    sum += dy[places[p] * sizes.width + column];
  }
  table_gradient[index] = sum;
}
