// The cotangent of the output, and for every row its statistic and delta, as the backward passes read them.
@group(0) @binding(5) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(6) var<storage, read> rows: array<vec2f>;

fn output_gradient_part(row: u32, part: u32) -> vec4f {
  let at = row * sizes.value_dim + part * 4u;
  let loaded = vec4f(output_gradients[at], output_gradients[at + 1u], output_gradients[at + 2u], output_gradients[at + 3u]);
  return inside(loaded, part, sizes.value_dim);
}
