// For every row what the backward passes need of it: the cotangent of the output, filled up to vec4s, then (statistic,
// delta, 0, 0). One buffer, because WGSL's default limit is eight of them. Reads rows: vec4f [rows, VALUE_VEC4S + 1].

fn output_gradient_vec4(row: u32, part: u32) -> vec4f {
  return rows[row * (VALUE_VEC4S + 1u) + part];
}

fn statistic_and_delta(row: u32) -> vec2f {
  return rows[row * (VALUE_VEC4S + 1u) + VALUE_VEC4S].xy;
}
