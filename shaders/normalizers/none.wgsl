// Weights as the kernel gives them.
fn row_scale() -> f32 {
  return 1.0;
}
