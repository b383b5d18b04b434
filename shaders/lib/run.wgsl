// A workgroup is a subgroup of LANES invocations, and owns LANES RUN rows of queries or keys: RUN an invocation, LANES
// apart. Constants of the header: LANES, RUN, and UNROLLED, 1 for long work and otherwise 0.
const BLOCK = LANES * RUN;

// VEC4S and VALUE_VEC4S for loops over memory. llvmpipe compiles every load and store lane by lane, and an unrolled loop
// of eight for eight times as long. A length out of the uniform keeps it from unrolling.
fn vec4s() -> u32 {
  return select((sizes.dim + 3u) / 4u, VEC4S, UNROLLED == 1u);
}

fn value_vec4s() -> u32 {
  return select((sizes.value_dim + 3u) / 4u, VALUE_VEC4S, UNROLLED == 1u);
}
