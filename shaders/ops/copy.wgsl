// Runs of numbers from one layout to another: run o of x, from_start after o from_stride, to run o of y.
struct Sizes {
  count: u32,
  run: u32,
  from_stride: u32,
  from_start: u32,
  to_stride: u32,
  to_start: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

fn element(index: u32) {
  let run = quotient(index, sizes.run);
  let place = index - run * sizes.run;
  y[run * sizes.to_stride + sizes.to_start + place] = x[run * sizes.from_stride + sizes.from_start + place];
}
