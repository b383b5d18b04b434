import { Matrix } from "ml-matrix";
import { countHeads, findAttention, readFinite, readProjection } from "../../analysis/attention-weights.js";
import { mean } from "../../numerics/averages.js";
import { cosineNoise, meanCosineNoise } from "../../analysis/cosine-noise.js";
import { dissectHead, modeMap, summarizeCosines, type HeadDissection } from "../../analysis/dissection.js";
import { DataError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import { openSafetensors, type StoredTensors } from "../../core/safetensors.js";
import { formatShape } from "../../core/shape.js";
import type { Session, Study } from "../runner/study.js";
import { fileSource } from "./file.js";
import type { DissectConfiguration, DissectedLayer, DissectedMap, DissectMeasurements } from "./measurements.js";
import { openModel } from "./open.js";
import { present } from "./present.js";

/** The maps of a layer's strongest modes on tokens [n, D]. */
function mapsOf(heads: readonly HeadDissection[], inputs: Matrix, count: number): DissectedMap[] {
  return heads
    .flatMap(({ singularValues, cosines }, head) => cosines.map((cosine, mode) => ({ head, mode, singularValue: singularValues[mode], cosine })))
    .sort((a, b) => b.singularValue - a.singularValue)
    .slice(0, count)
    .map((place) => ({ ...place, ...modeMap(heads[place.head], place.mode, inputs) }));
}

function describe(heads: readonly HeadDissection[], width: number, maps: readonly DissectedMap[] | undefined): DissectedLayer {
  const { plain, weighted, modes, squaredWeights } = summarizeCosines(heads);
  const noise = cosineNoise(width);
  const inside = heads.flatMap(({ cosines }) => cosines).filter((cosine) => Math.abs(cosine) < noise).length;
  const shares = heads.map(({ symmetricShare }) => symmetricShare).filter((share) => !Number.isNaN(share));
  return {
    heads: heads.map(({ singularValues, cosines, symmetricShare }) => ({ singularValues, cosines, symmetricShare })),
    plain,
    weighted,
    noise: { plain: meanCosineNoise(width, squaredWeights.plain), weighted: meanCosineNoise(width, squaredWeights.weighted) },
    modes,
    insideNoise: inside / modes,
    symmetricShare: mean(shares),
    ...(maps ? { maps } : {}),
  };
}

/** Tokens that enter a layer, or undefined where the file has none for it. */
async function readInputs(inputs: StoredTensors, layer: number, width: number): Promise<Matrix | undefined> {
  const name = `hidden_states.${layer}`;
  const shape = inputs.tensors.get(name)?.shape;
  if (shape === undefined) return undefined;
  const [n, columns, ...more] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (columns !== width || more.length > 0 || n < 1) {
    throw new DataError({ where: "study dissect", argument: name, wanted: `tokens [n, ${width}] or [1, n, ${width}]`, got: formatShape(shape) });
  }
  return Matrix.from1DArray(n, width, await readFinite("study dissect", inputs, name));
}

async function openInputs(path: string, layers: number): Promise<StoredTensors> {
  const inputs = await openSafetensors(await fileSource(path));
  if (Array.from({ length: layers }, (_, layer) => `hidden_states.${layer}`).some((name) => inputs.tensors.has(name))) return inputs;
  throw new DataError({ where: "study dissect", argument: path, wanted: `tensors hidden_states.0 to hidden_states.${layers - 1}, or some of them`, got: "none" });
}

async function run(configuration: DissectConfiguration, session: Session<DissectMeasurements>): Promise<void> {
  const { modes } = configuration;
  const { path, weights, config } = await openModel(configuration.model);
  const attention = findAttention(weights.tensors, configuration.prefix);
  const { width, headsWidth, layers: places, prefix } = attention;
  const { heads, source } = countHeads(headsWidth, configuration.heads, config);
  const dim = headsWidth / heads;
  const inputs = configuration.inputs === undefined ? undefined : await openInputs(configuration.inputs, places.length);
  session.report({ kind: "stage", title: `${path}: ${places.length} layers, width ${width}, ${heads} heads of ${dim} (${source})` });

  const total = (places.length + 1) * heads;
  const rows = (matrix: Matrix, head: number): Matrix => matrix.subMatrix(head * dim, (head + 1) * dim - 1, 0, width - 1);
  /** One layer is one task, which depends on its numbers: another model under the same name is not taken for this one. */
  const dissect = (name: string, before: number, query: Matrix, key: Matrix, tokens?: Matrix): Promise<DissectedLayer | undefined> =>
    session.task({ name, depends: { heads, modes, numbers: [query, key, ...(tokens ? [tokens] : [])].map((matrix) => Float64Array.from(matrix.to1DArray())) } }, async () => {
      const dissected: HeadDissection[] = [];
      for (let head = 0; head < heads; head++) {
        await session.checkpoint();
        dissected.push(dissectHead(rows(query, head), rows(key, head)));
        session.report({ kind: "progress", label: "heads", done: before * heads + head + 1, total, note: name });
      }
      return describe(dissected, width, tokens && mapsOf(dissected, tokens, modes));
    });

  const stream = random(session.seed);
  const noise = (): Matrix => Matrix.from1DArray(headsWidth, width, stream.normals(headsWidth * width));
  const control = await dissect("random", 0, noise(), noise());
  const layers: DissectedLayer[] = [];
  for (let layer = 0; layer < places.length && control !== undefined; layer++) {
    const query = await readProjection(weights, attention, layer, "query");
    const key = await readProjection(weights, attention, layer, "key");
    const found = await dissect(`layer ${layer}`, layer + 1, query, key, inputs && (await readInputs(inputs, layer, width)));
    if (found === undefined) return;
    layers.push(found);
    await session.save({ file: path, prefix, width, heads, headsFrom: source, cosineNoise: cosineNoise(width), layerCount: places.length, control, layers });
  }
}

/** Singular modes of W_qᵀW_k of every head of a stored model: do tokens attend to what is like them? */
export const dissect: Study<DissectConfiguration, DissectMeasurements> = { name: "dissect", run, present };
