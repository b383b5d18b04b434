struct Sizes {
  count: u32,
  value: f32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

fn element(index: u32) {
  y[index] = sizes.value;
}
