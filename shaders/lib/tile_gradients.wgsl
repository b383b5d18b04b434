// What the backward passes by blocks in registers have beside lib/tiles.wgsl.

// All slices know it; one keeps it.
fn keep_once(place: Place, gradient: f32) {
  if (slice == 0u) {
    keep_score_gradient(place, gradient);
  }
}

// What a pass takes from one pair; zeros where the mask hides it.
struct PairGradient {
  weight: f32,
  // The cotangent of the score times the score's derivatives.
  product: f32,
  query_norm: f32,
  key_norm: f32,
}

fn pair_gradient(pair: Pair, weight_gradient: f32, numbers: vec2f, place: Place) -> PairGradient {
  let s = visible_score(pair, place);
  if (!is_visible(s)) {
    keep_once(place, 0.0);
    return PairGradient(0.0, 0.0, 0.0, 0.0);
  }
  let w = normalized_weight(s, numbers.x);
  let bent_gradient = score_gradient(s, w, weight_gradient, numbers.y, numbers.x);
  keep_once(place, bent_gradient);
  let ds = bent_gradient * bend_derivative(pair);
  let partials = score_partials(pair);
  return PairGradient(w, ds * partials.product, ds * partials.query_norm, ds * partials.key_norm);
}
