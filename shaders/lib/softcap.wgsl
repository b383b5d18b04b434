// Scores are bent to softcap tanh(s / softcap).
fn bend(s: f32) -> f32 {
  return sizes.softcap * bent_tanh(s);
}

// The derivative of the bent score by the kernel's.
fn bend_derivative(pair: Pair) -> f32 {
  let t = bent_tanh(score(pair));
  return 1.0 - t * t;
}

// tanh(s / softcap), within what every driver's tanh can do.
fn bent_tanh(s: f32) -> f32 {
  return unless_nan(tanh(clamp(s / sizes.softcap, -9.1, 9.1)), s);
}
