import type { Shape } from "../core/shape.js";
import type { Primitive } from "../core/tensor.js";
import type { Shader } from "../kernels/kernel.js";
import each from "../../shaders/lib/each.wgsl";
import type { Capabilities } from "./capabilities.js";
import type { Block } from "./memory.js";
import { arrayOf, type Binding, type Pass } from "./pass.js";
import type { GpuDType } from "./storage-type.js";

/** A tensor as a pass sees it. */
export interface Operand {
  readonly shape: Shape;
  readonly dtype: GpuDType;
  readonly block: Block;
}

/** What an implementation records its passes with. */
export interface Recorder {
  readonly limits: GPUSupportedLimits;
  readonly capabilities: Capabilities;
  dispatch(pass: Pass): void;
  /** Memory that lives until the primitive is recorded. */
  scratch(elements: number): Block;
  /** Whole numbers on the device, for as long as the primitive is recorded. */
  upload(values: ArrayLike<number>): Block;
}

/** Records the passes of a primitive, which write every element of `outputs`. */
export type Implementation<Attributes> = (
  recorder: Recorder,
  inputs: readonly Operand[],
  outputs: readonly Operand[],
  attributes: Attributes,
) => void;

export type Implementations = ReadonlyMap<unknown, Implementation<never>>;

export function implement<Attributes>(
  primitive: Primitive<Attributes>,
  implementation: Implementation<Attributes>,
): [unknown, Implementation<never>] {
  return [primitive, implementation];
}

/** Invocations in a workgroup of a pass without shared memory. */
const GROUP = 64;

/** Workgroups of `size` for `count` elements, folded over two dimensions where one is not enough. */
export function groupsFor(
  count: number,
  { maxComputeWorkgroupsPerDimension: limit }: GPUSupportedLimits,
  size = GROUP,
): [number, number, number] {
  const groups = Math.ceil(count / size);
  const rows = Math.ceil(groups / limit);
  return [Math.ceil(groups / rows), rows, 1];
}

/** A shader below `shaders/`. */
export function shader(file: string, text: string, enables?: Shader["enables"]): Shader {
  return { file, text, enables };
}

const numberShaders = [
  shader("generated (one)", "alias Number = f32;"),
  shader("generated (four)", "alias Number = vec4f;"),
] as const;

/** Rows of a width as `Number`s, single or four by four: the alias, memory as an array of them, and their count. */
export function numbersOf(width: number): {
  readonly alias: Shader;
  readonly of: (memory: Block | Operand) => Binding;
  readonly count: number;
} {
  const wide = width % 4 === 0;
  return {
    alias: numberShaders[wide ? 1 : 0],
    of: (memory) => arrayOf("Number", memory),
    count: wide ? width / 4 : width,
  };
}

/** What `dispatchEach` wants among the shaders of a pass. */
export const eachShader = shader("lib/each.wgsl", each);

/** A pass with one invocation for each of `count` elements, which is the first member of its uniform. */
export function dispatchEach(
  { dispatch, limits }: Pick<Recorder, "dispatch" | "limits">,
  count: number,
  {
    shaders,
    constants,
    uniform,
    reads = {},
    writes,
  }: Pick<Pass, "shaders" | "writes"> & Partial<Pick<Pass, "constants" | "uniform" | "reads">>,
): void {
  dispatch({
    shaders,
    constants: { GROUP, ...constants },
    uniform: { count, ...uniform },
    reads,
    writes,
    workgroups: groupsFor(count, limits),
  });
}
