// The cotangent of every pair's score, before the softcap bent it, for the gradient of a bias.
// Writes pair_gradients: f32 [batches, heads, queries, keys].

fn keep_score_gradient(place: Place, gradient: f32) {
  if (place.i < sizes.queries && place.j < sizes.keys) {
    pair_gradients[((place.batch * sizes.heads + place.head) * sizes.queries + place.i) * sizes.keys + place.j] = gradient;
  }
}
