// Runs of numbers from one layout to another: run o of x, from_start after o from_stride, to run o of y.
// Reads x, writes y: f32.

fn element(index: u32) {
  let run = quotient(index, sizes.run);
  let place = index - run * sizes.run;
  y[run * sizes.to_stride + sizes.to_start + place] = x[run * sizes.from_stride + sizes.from_start + place];
}
