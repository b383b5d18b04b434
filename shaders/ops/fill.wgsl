struct Sizes {
  count: u32,
  // The bits of a float32, or of two float16.
  word: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

fn element(index: u32) {
  y[index] = sizes.word;
}
