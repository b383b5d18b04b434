// VEC4S and VALUE_VEC4S as limits of loops over memory. llvmpipe compiles every load and store lane by lane, so
// unrolled loops compile slowly. Where UNROLLED, a constant of the header, is 0, the limit comes from the uniform, and
// loops are not unrolled.
fn vec4s() -> u32 {
  return select((sizes.dim + 3u) / 4u, VEC4S, UNROLLED == 1u);
}

fn value_vec4s() -> u32 {
  return select((sizes.value_dim + 3u) / 4u, VALUE_VEC4S, UNROLLED == 1u);
}
