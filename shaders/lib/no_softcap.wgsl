fn bend(s: f32) -> f32 {
  return s;
}

fn bend_derivative(pair: Pair) -> f32 {
  return 1.0;
}
