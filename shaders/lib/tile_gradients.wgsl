// What the backward passes by blocks in registers have beside lib/tiles.wgsl.

// For every pair, laid out as the left tile keeps them: the cotangents of its weight.
var<workgroup> weight_tile: array<vec4f, ROWS * STRIDE>;

fn put_weight_gradients(gradients: array<vec4f, RUN>, lane: u32) {
  for (var r = 0u; r < RUN; r++) {
    weight_tile[pair_at(r, lane)] = gradients[r];
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
    keep_score_gradient(place, 0.0);
    return PairGradient(0.0, 0.0, 0.0, 0.0);
  }
  let w = normalized_weight(s, numbers.x);
  let bent_gradient = score_gradient(s, w, weight_gradient, numbers.y, numbers.x);
  keep_score_gradient(place, bent_gradient);
  let ds = bent_gradient * bend_derivative(pair);
  let partials = score_partials(pair);
  return PairGradient(w, ds * partials.product, ds * partials.query_norm, ds * partials.key_norm);
}
