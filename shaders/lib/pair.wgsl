// What one query and one key have in common: product = q.k, and the squared lengths of both.
struct Pair {
  product: f32,
  query_norm: f32,
  key_norm: f32,
}

// Derivatives of a score with respect to the members of a Pair.
struct Partials {
  product: f32,
  query_norm: f32,
  key_norm: f32,
}

// The parameters of the kernel for this head, set before any score is taken.
var<private> learned: vec4f;
