// The same numbers in another precision, from Taken to Stored.
struct Sizes {
  count: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<Taken>;
@group(0) @binding(2) var<storage, read_write> y: array<Stored>;

fn element(index: u32) {
  y[index] = Stored(x[index]);
}
