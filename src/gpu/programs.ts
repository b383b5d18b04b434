import type { Shader } from "../kernels/kernel.js";
import type { Faults, Outcome } from "./faults.js";
import { COMPUTE_STAGE } from "./flags.js";
import { link } from "./link.js";
import { labelOf, typeOf, type Pass } from "./pass.js";

export interface Program {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Distinct for every layout. */
  readonly layoutId: string;
  readonly outcome: Outcome;
}

interface Layout {
  readonly id: string;
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

/** Linked programs with their pipelines and layouts, each made once. */
export class Programs {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  readonly #programs = new Map<string, Program>();
  readonly #layouts = new Map<string, Layout>();
  readonly #shaderIds = new WeakMap<Shader, number>();
  #shaderCount = 0;

  constructor(device: GPUDevice, faults: Faults) {
    this.#device = device;
    this.#faults = faults;
  }

  /** The program of a pass, made when it is first asked for. */
  of(pass: Pass): Program {
    const key = this.#keyOf(pass);
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const { code, locate } = link(pass);
    const label = labelOf(pass);
    const layout = this.#layout(Object.keys(pass.reads).length, Object.keys(pass.writes).length);
    const { made: pipeline, outcome } = this.#faults.make(label, (outcome) => {
      const module = this.#device.createShaderModule({ label, code });
      this.#faults.watchModule(outcome, module, locate);
      return this.#device.createComputePipeline({ label, layout: layout.pipeline, compute: { module, entryPoint: "main" } });
    });
    const program = { pipeline, layout: layout.group, layoutId: layout.id, outcome };
    this.#programs.set(key, program);
    return program;
  }

  /** All that the linked text depends on. */
  #keyOf({ shaders, constants, uniform, reads, writes }: Pass): string {
    let key = "";
    for (const shader of shaders) key += `${this.#shaderId(shader)},`;
    for (const name in constants) {
      const constant = constants[name];
      key += `${name}=${typeof constant === "number" ? constant : `${constant.f32}f`},`;
    }
    for (const name in uniform) key += `${name}:${typeOf(uniform[name])},`;
    for (const bindings of [reads, writes]) {
      key += "|";
      for (const name in bindings) {
        const binding = bindings[name];
        key += "of" in binding ? `${name}:${binding.of},` : `${name},`;
      }
    }
    return key;
  }

  #shaderId(shader: Shader): number {
    let id = this.#shaderIds.get(shader);
    if (id === undefined) this.#shaderIds.set(shader, (id = this.#shaderCount++));
    return id;
  }

  #layout(reads: number, writes: number): Layout {
    const key = `${reads}|${writes}`;
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const entry = (binding: number, buffer: GPUBufferBindingLayout) => ({ binding, visibility: COMPUTE_STAGE, buffer });
      const group = this.#device.createBindGroupLayout({
        entries: [
          entry(0, { type: "uniform", hasDynamicOffset: true }),
          ...Array.from({ length: reads }, (_, i) => entry(1 + i, { type: "read-only-storage" })),
          ...Array.from({ length: writes }, (_, i) => entry(1 + reads + i, { type: "storage" })),
        ],
      });
      layout = { id: key, group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
