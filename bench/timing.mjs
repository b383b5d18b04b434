// Timing, and comparing with exact numbers, in Node and in browsers.

function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

export const median = (samples) =>
  quantile(
    [...samples].sort((a, b) => a - b),
    0.5,
  );

export function summary(samples) {
  const sorted = [...samples].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) };
}

/**
 * Milliseconds of one call of `work`, over `runs` batches of at least `batchMs` between two completion waits. `warm`
 * makes one call before, which compiles.
 */
export async function time(work, finish, { runs, batchMs = 50, warm = true }) {
  const batch = async (calls) => {
    const start = performance.now();
    for (let call = 0; call < calls; call++) work();
    await finish();
    return performance.now() - start;
  };
  if (warm) await batch(1);
  const calls = batchMs > 0 ? Math.max(1, Math.ceil(batchMs / (await batch(1)))) : 1;
  const samples = [];
  for (let run = 0; run < runs; run++) samples.push((await batch(calls)) / calls);
  return summary(samples);
}

/** The largest difference divided by the largest exact magnitude. */
export function relativeError(actual, exact) {
  let [difference, scale] = [0, 0];
  exact.forEach((value, index) => {
    difference = Math.max(difference, Math.abs(value - actual[index]));
    scale = Math.max(scale, Math.abs(value));
  });
  return difference / scale;
}

/** Calls that some work wants before its programs are those of long work (`src/gpu/capabilities.ts`). */
export const warmUpCalls = ({ batch = 1, heads, n, m = n }) => Math.ceil(2 ** 26 / (batch * heads * n * m)) + 1;
