// The cotangent of every pair's score, before the softcap bent it, for the gradient of a bias.
@group(0) @binding(7) var<storage, read_write> pair_gradients: array<f32>;

fn keep_score_gradient(place: Place, gradient: f32) {
  if (place.i < sizes.queries && place.j < sizes.keys) {
    pair_gradients[((place.batch * sizes.heads + place.head) * sizes.queries + place.i) * sizes.keys + place.j] = gradient;
  }
}
