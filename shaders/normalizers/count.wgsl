// Weights divided by the number of keys.
fn row_scale() -> f32 {
  return 1.0 / f32(sizes.keys);
}
