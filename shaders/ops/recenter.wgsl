// Queries and keys less the center of their head: one Number (f32, or four of them) of RUN rows an invocation. A key head has `query_rows`
// queries, of all heads that share it, and `key_rows` keys; `width` counts Numbers.
struct Sizes {
  count: u32,
  width: u32,
  query_rows: u32,
  key_rows: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> queries: array<Number>;
@group(0) @binding(2) var<storage, read> keys: array<Number>;
@group(0) @binding(3) var<storage, read> centers: array<Number>;
@group(0) @binding(4) var<storage, read_write> moved_queries: array<Number>;
@group(0) @binding(5) var<storage, read_write> moved_keys: array<Number>;

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
