import { random } from "attention-kernels";
import { cosineNoise, dissectHead, meanCosineNoise, summarizeCosines } from "attention-kernels/analysis";
import { countHeads, encodeSafetensors, findAttention, openWeights, readProjection } from "attention-kernels/weights";

/** Random weights under the names of BERT. The entries of W_q and W_k are N(0, 1) with the correlation `alike`. */
export function sampleModel({ seed, alike }) {
  const [layers, heads, width] = [6, 4, 64];
  const source = random(2 ** 20 + seed); // other draws than those of the control
  const matrix = (data) => ({ shape: [width, width], data, dtype: "F32" });
  const tensors = {};
  for (let layer = 0; layer < layers; layer++) {
    const [query, own] = [source.normals(width * width), source.normals(width * width)];
    const stem = `encoder.layer.${layer}.attention.self`;
    tensors[`${stem}.query.weight`] = matrix(query);
    tensors[`${stem}.key.weight`] = matrix(own.map((x, at) => alike * query[at] + Math.sqrt(1 - alike ** 2) * x));
  }
  return { file: encodeSafetensors(tensors), config: { num_attention_heads: heads } };
}

/** Mean cosines of heads of one width, and how far such means of random directions lie from 0 in 95 % of all cases. */
function summary(heads, width) {
  const { plain, weighted, modes, squaredWeights } = summarizeCosines(heads);
  const shares = heads.map((head) => head.symmetricShare).filter((share) => !Number.isNaN(share));
  const single = cosineNoise(width);
  const inside = heads.flatMap((head) => head.cosines).filter((cosine) => Math.abs(cosine) < single);
  return {
    plain,
    weighted,
    noise: {
      plain: meanCosineNoise(width, squaredWeights.plain),
      weighted: meanCosineNoise(width, squaredWeights.weighted),
      single,
    },
    modes,
    insideNoise: inside.length / modes,
    symmetricShare: shares.reduce((sum, share) => sum + share, 0) / shares.length,
  };
}

/**
 * The singular modes of W_qᵀW_k in every head of a stored model, and of a layer of N(0, 1) weights of the first one's
 * sizes (layer -1), which is the control.
 *
 * @param model its file, its config.json if there is one, the number of heads if neither says it, and the names of its
 * matrices if `findAttention` does not know them
 * @param follow gets the sizes, every head and every layer as soon as they are known
 */
export async function dissect({ file, shard, config, heads, names = {}, seed }, follow) {
  const weights = await openWeights(file, shard ? { shard } : {});
  const attention = findAttention(weights, names);
  const { layers: counts, source: headsFrom } = countHeads(attention, heads, config);
  const sizes = attention.layers.map(({ label, query }, layer) => ({
    label,
    width: query.columns,
    dim: query.rows / counts[layer].heads,
    ...counts[layer],
  }));
  await follow?.({ kind: "sizes", sizes, headsFrom, prefix: attention.prefix });
  const source = random(seed);
  const normalRows = (count, width) => {
    const numbers = source.normals(count * width);
    return Array.from({ length: count }, (_, row) => numbers.subarray(row * width, (row + 1) * width));
  };
  const results = [];
  for (let layer = -1; layer < sizes.length; layer++) {
    const { width, dim, heads: count, keyHeads } = sizes[Math.max(0, layer)];
    const read = (projection, own) =>
      layer < 0 ? normalRows(own * dim, width) : readProjection(weights, attention, layer, projection);
    const [query, key] = [await read("query", count), await read("key", keyHeads)];
    const rows = (matrix, head) => matrix.slice(head * dim, (head + 1) * dim);
    const found = [];
    for (let head = 0; head < count; head++) {
      const keyHead = Math.floor((head * keyHeads) / count); // groups of heads may share keys
      const { singularValues, cosines, symmetricShare } = dissectHead(rows(query, head), rows(key, keyHead));
      const modes = { singularValues, cosines, symmetricShare };
      found.push({ ...modes, ...summary([modes], width) });
      await follow?.({ kind: "head", layer, head: found[head] });
    }
    results.push({ heads: found, ...summary(found, width) });
    await follow?.({ kind: "layer", layer, summary: summary(found, width) });
  }
  const [control, ...layers] = results;
  return { sizes, control, layers };
}
