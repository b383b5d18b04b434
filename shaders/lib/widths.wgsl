// VEC4S and VALUE_VEC4S for loops over memory. llvmpipe compiles every load and store lane by lane, and an unrolled loop
// of eight for eight times as long. A length out of the uniform keeps it from unrolling. Constant of the header:
// UNROLLED, 0 where that matters (formOf in gpu/forms.ts), and otherwise 1.
fn vec4s() -> u32 {
  return select((sizes.dim + 3u) / 4u, VEC4S, UNROLLED == 1u);
}

fn value_vec4s() -> u32 {
  return select((sizes.value_dim + 3u) / 4u, VALUE_VEC4S, UNROLLED == 1u);
}
