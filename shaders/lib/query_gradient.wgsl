// The cotangent of the score of the invocation's query against key j of the tile.
var<private> output_gradient: array<vec4f, VALUE_VEC4S>;

fn load_output_gradient(row: u32) {
  for (var c = 0u; c < value_vec4s(); c++) {
    output_gradient[c] = output_gradient_vec4(row, c);
  }
}

fn score_gradient_with_tile(j: u32, s: f32, row: vec2f) -> f32 {
  var weight_gradient = 0.0;
  for (var c = 0u; c < VALUE_VEC4S; c++) {
    weight_gradient += dot(output_gradient[c], tile_values[j * VALUE_VEC4S + c]);
  }
  return score_gradient(s, normalized_weight(s, row.x), weight_gradient, row.y, row.x);
}
