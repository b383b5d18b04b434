// For every row what the backward passes need of it: the cotangent of the output, the statistic, and delta. One buffer, because
// WGSL's default limit is eight of them.
@group(0) @binding(5) var<storage, read> rows: array<f32>;

fn output_gradient_part(row: u32, part: u32) -> vec4f {
  let at = row * (sizes.value_dim + 2u) + part * 4u;
  return inside(vec4f(rows[at], rows[at + 1u], rows[at + 2u], rows[at + 3u]), part, sizes.value_dim);
}

fn statistic_and_delta(row: u32) -> vec2f {
  let at = row * (sizes.value_dim + 2u) + sizes.value_dim;
  return vec2f(rows[at], rows[at + 1u]);
}
