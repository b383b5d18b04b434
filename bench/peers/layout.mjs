/**
 * Converts from this library's layout [batch, heads, tokens, dim] to [batch, tokens, heads, dim]; `back` converts back.
 */
export function swapped(data, [batch, heads, tokens, dim], back = false) {
  const result = new Float32Array(data.length);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < tokens; i++) {
        const [ours, theirs] = [((b * heads + h) * tokens + i) * dim, ((b * tokens + i) * heads + h) * dim];
        for (let c = 0; c < dim; c++) result[(back ? ours : theirs) + c] = data[(back ? theirs : ours) + c];
      }
    }
  }
  return result;
}
