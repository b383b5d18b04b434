import type { Shader } from "../kernels/kernel.js";
import type { Faults, Outcome } from "./faults.js";
import { COMPUTE_STAGE } from "./flags.js";
import { link } from "./link.js";
import type { Block } from "./memory.js";

/** One dispatch: which program, with which numbers and memory, how many workgroups. */
export interface Pass {
  readonly shaders: readonly Shader[];
  /** Compile-time constants (u32) of the program. */
  readonly constants: Readonly<Record<string, number>>;
  /** The words of the uniform at binding 0, in the order of its struct. */
  readonly uniform: readonly Word[];
  /** Read-only memory at bindings 1, 2, ... and then memory to write. */
  readonly reads: readonly Block[];
  readonly writes: readonly Block[];
  /** Further read-only memory, at bindings of its own. */
  readonly extras?: readonly Extra[];
  readonly workgroups: readonly [number, number, number];
}

/** Read-only memory at a binding that does not follow from its place. */
export interface Extra {
  readonly binding: number;
  readonly block: Block;
}

/** A u32 (or i32), or a number wrapped as an f32. */
export type Word = number | { readonly float: number };

export interface Program {
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly outcome: Outcome;
}

/** The file of the pass itself, and what a generated line makes of it. */
export function labelOf({ shaders }: Pass): string {
  const file = shaders.filter((shader) => /^(passes|ops)\//.test(shader.file)).at(-1)?.file;
  const generated = shaders.find((shader) => shader.file.startsWith("generated"))?.file.replace("generated", "");
  return `${file}${generated ?? ""}`;
}

/** Linked programs with their pipelines and layouts, each made once. */
export class Programs {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #programs = new Map<string, Program>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();
  readonly #shaderIds = new WeakMap<Shader, number>();
  #shaderCount = 0;

  constructor(device: GPUDevice, faults: Faults) {
    this.#device = device;
    this.#faults = faults;
  }

  /** The program of a pass, made when it is first asked for. */
  of(pass: Pass): Program {
    const { shaders, constants, reads, writes, extras = [] } = pass;
    const key = `${shaders.map((shader) => this.#shaderId(shader)).join()}|${Object.values(constants).join()}|${reads.length}`;
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const linked = link(shaders, constants);
    const layout = this.#layout(reads.length, writes.length, extras.map(({ binding }) => binding));
    const { made: pipeline, outcome } = this.#faults.make(labelOf(pass), (outcome) => {
      const module = this.#device.createShaderModule({ code: linked.code });
      this.#faults.watchModule(outcome, module, linked.locate);
      return this.#device.createComputePipeline({ layout: layout.pipeline, compute: { module, entryPoint: "main" } });
    });
    const program = { id: this.#programs.size, pipeline, layout: layout.group, outcome };
    this.#programs.set(key, program);
    return program;
  }

  #shaderId(shader: Shader): number {
    let id = this.#shaderIds.get(shader);
    if (id === undefined) this.#shaderIds.set(shader, (id = this.#shaderCount++));
    return id;
  }

  #layout(reads: number, writes: number, extras: readonly number[]): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    const key = [reads, writes, ...extras].join();
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const entry = (binding: number, buffer: GPUBufferBindingLayout) => ({ binding, visibility: COMPUTE_STAGE, buffer });
      const group = this.#device.createBindGroupLayout({
        entries: [
          entry(0, { type: "uniform", hasDynamicOffset: true }),
          ...Array.from({ length: reads }, (_, i) => entry(1 + i, { type: "read-only-storage" })),
          ...Array.from({ length: writes }, (_, i) => entry(1 + reads + i, { type: "storage" })),
          ...extras.map((binding) => entry(binding, { type: "read-only-storage" })),
        ],
      });
      layout = { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
