import { innerProductHook } from "../kernels/hooks.js";
import type { Shader, TiledKernel } from "../kernels/kernel.js";
import type { AttentionExtents } from "../kernels/primitives.js";
import matrix from "../../shaders/lib/matrix.wgsl";
import matrixBlock from "../../shaders/lib/matrix_block.wgsl";
import matrixKeys from "../../shaders/lib/matrix_keys.wgsl";
import backwardKeyValue from "../../shaders/passes/backward_key_value_matrix.wgsl";
import backwardQuery from "../../shaders/passes/backward_query_matrix.wgsl";
import forward from "../../shaders/passes/forward_matrix.wgsl";
import { shader, type Recorder } from "./implementation.js";
import { EDGE } from "./matrix-unit.js";

// The number of a subgroup needs the extension; arithmetic over subgroups is not used: an NVIDIA driver crashes on both
// in one shader.
const matrixShader = shader("lib/matrix.wgsl", matrix, ["subgroups", "chromium_experimental_subgroup_matrix"]);
const blockShader = shader("lib/matrix_block.wgsl", matrixBlock);
const keysShader = shader("lib/matrix_keys.wgsl", matrixKeys);
const passes = {
  forward: shader("passes/forward_matrix.wgsl", forward),
  query: shader("passes/backward_query_matrix.wgsl", backwardQuery),
  keyValue: shader("passes/backward_key_value_matrix.wgsl", backwardKeyValue),
};
type MatrixPass = keyof typeof passes;

/** Lanes of a workgroup: a multiple of every subgroup size, as WebGPU wants it beside subgroup matrices. */
const LANES = 128;
/** Rows of a workgroup and of a tile that it meets; the first that fits has the fewest loads. */
const blocks = [
  [64, 32],
  [32, 32],
  [32, 16],
  [16, 16],
] as const;

/** Bytes of workgroup memory of a pass, as its shader lays it out. */
function bytesFor(name: MatrixPass, block: number, tile: number, width: number, valueWidth: number): number {
  const [row, value, weight] = [width + 8, valueWidth + 8, tile + 8];
  const [product, sum, valueSum] = [tile + 4, width + 4, valueWidth + 4];
  const halves = {
    forward: block * (row + weight) + tile * (row + value),
    query: block * (row + value + weight) + tile * (row + value),
    keyValue: block * (row + value + 2 * weight) + tile * (row + value),
  };
  const floats = {
    forward: block * (product + valueSum),
    query: block * (2 * product + sum),
    keyValue: block * (2 * product + sum + valueSum),
  };
  const further = 4 * (block + 3 * tile + 3 * LANES); // norms, the numbers of a row, shares and states
  return 2 * halves[name] + 4 * floats[name] + further;
}

/**
 * The form by subgroup matrices of a pass over float16, if there is one, the kernel's pairs are inner products, and it
 * fits in workgroup memory.
 */
export function matrixFormOf(
  { capabilities, limits }: Pick<Recorder, "capabilities" | "limits">,
  name: string,
  { shaders: hooks }: TiledKernel,
  { dim, valueDim }: AttentionExtents,
): { shaders: readonly Shader[]; constants: Readonly<Record<string, number>>; rows: number } | undefined {
  const { matrixUnit } = capabilities;
  if (matrixUnit === undefined || !(name in passes) || !hooks.includes(innerProductHook)) return undefined;
  const pass = name as MatrixPass;
  const [WIDTH, VALUE_WIDTH] = [dim, valueDim].map((width) => EDGE * Math.ceil(width / EDGE));
  const fits = blocks.find(
    ([block, tile]) => bytesFor(pass, block, tile, WIDTH, VALUE_WIDTH) <= limits.maxComputeWorkgroupStorageSize,
  );
  if (fits === undefined) return undefined;
  const [BLOCK, TILE] = fits;
  const unit = { UNIT_ROWS: matrixUnit.M, UNIT_COLUMNS: matrixUnit.N, UNIT_INNER: matrixUnit.K };
  return {
    shaders: [matrixShader, blockShader, ...(pass === "keyValue" ? [] : [keysShader]), passes[pass]],
    constants: { LANES, BLOCK, TILE, WIDTH, VALUE_WIDTH, ...unit },
    rows: BLOCK,
  };
}
