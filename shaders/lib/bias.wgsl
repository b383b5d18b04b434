// A number for every pair that is added to its score.
// Reads bias: f32, at bias_offset and the strides bias_batch, bias_head, bias_query and bias_key.

fn bias_at(place: Place) -> f32 {
  let at = sizes.bias_offset + i32(place.batch) * sizes.bias_batch + i32(place.head) * sizes.bias_head;
  return bias[at + i32(place.i) * sizes.bias_query + i32(place.j) * sizes.bias_key];
}
