// Queries and keys less the center of their head: one Number (f32, or four of them) of RUN rows an invocation. A key
// head has `query_rows` queries, of all heads that share it, and `key_rows` keys; `width` counts Numbers. Reads
// queries, keys and centers, writes moved_queries and moved_keys: Number.

fn element(index: u32) {
  let blocks = (sizes.query_rows + sizes.key_rows + RUN - 1u) / RUN;
  let head = index / (sizes.width * blocks);
  let first = index / sizes.width % blocks * RUN;
  let part = index % sizes.width;
  let center = centers[head * sizes.width + part];
  for (var row = first; row < first + RUN; row++) {
    if (row < sizes.query_rows) {
      let at = (head * sizes.query_rows + row) * sizes.width + part;
      moved_queries[at] = queries[at] - center;
    } else if (row < sizes.query_rows + sizes.key_rows) {
      let at = (head * sizes.key_rows + row - sizes.query_rows) * sizes.width + part;
      moved_keys[at] = keys[at] - center;
    }
  }
}
