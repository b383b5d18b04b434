import type { Shader } from "../kernels/kernel.js";
import { outcomeOf, type Faults, type Outcome } from "./faults.js";
import { COMPUTE_STAGE } from "./webgpu-constants.js";
import { link } from "./link.js";
import { elementOf, labelOf, typeOf, type Pass } from "./pass.js";

export interface Program {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Distinct for every layout. */
  readonly layoutId: string;
  /** The name of its pass. */
  readonly label: string;
  readonly outcome: Outcome;
}

interface Layout {
  readonly id: string;
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

/** A program, and what its header declares. */
interface Known {
  readonly program: Program;
  readonly declarations: readonly (string | number)[];
}

/** Names, types and values: all that the linked text depends on but the shaders. */
function declarationsOf({ constants, uniform, reads, writes }: Pass): (string | number)[] {
  const all: (string | number)[] = [];
  for (const name in constants) {
    const constant = constants[name];
    all.push(name, typeof constant === "number" ? constant : `${constant.f32}f`);
  }
  all.push("uniform");
  for (const name in uniform) {
    const word = uniform[name];
    all.push(name, typeof word !== "number" && "vec4u" in word ? word.vec4u.length : typeOf(word));
  }
  all.push("reads");
  for (const name in reads) all.push(name, elementOf(reads[name]));
  all.push("writes");
  for (const name in writes) all.push(name, elementOf(writes[name]));
  return all;
}

function agree(a: readonly (string | number)[], b: readonly (string | number)[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** Linked programs with their pipelines and layouts, each made once. */
export class Programs {
  readonly #device: GPUDevice;
  readonly #faults: Faults;
  /** The programs of every sequence of shaders, and the same by the list they came in, which for most passes stays. */
  readonly #programs = new Map<string, Known[]>();
  readonly #ofList = new WeakMap<readonly Shader[], Known[]>();
  readonly #layouts = new Map<string, Layout>();
  /** By content, because every call of a kernel's factory makes its shaders anew; and the same by the object. */
  readonly #shaderIds = new Map<string, number>();
  readonly #idOf = new WeakMap<Shader, number>();

  constructor(device: GPUDevice, faults: Faults) {
    this.#device = device;
    this.#faults = faults;
  }

  /** The program of a pass, made when it is first asked for. */
  of(pass: Pass): Program {
    const known = this.#knownOf(pass.shaders);
    const declared = declarationsOf(pass);
    for (const { program, declarations } of known) if (agree(declarations, declared)) return program;
    const program = this.#make(pass);
    known.push({ program, declarations: declared });
    return program;
  }

  /** What a program depends on; undefined where it is there already. */
  missing(pass: Pass): string | undefined {
    const known = this.#knownOf(pass.shaders);
    const declared = declarationsOf(pass);
    if (known.some(({ declarations }) => agree(declarations, declared))) return undefined;
    return JSON.stringify([pass.shaders.map((shader) => this.#shaderId(shader)), declared]);
  }

  /** Adds the program of a pass, unless a call made it meanwhile. */
  add(pass: Pass, pipeline: GPUComputePipeline): void {
    if (this.missing(pass) === undefined) return;
    const { id, group } = this.layoutOf(pass);
    const program = {
      pipeline,
      layout: group,
      layoutId: id,
      label: labelOf(pass),
      outcome: { ...outcomeOf(), open: false },
    };
    this.#knownOf(pass.shaders).push({ program, declarations: declarationsOf(pass) });
  }

  #make(pass: Pass): Program {
    const { code, locate } = link(pass);
    const label = labelOf(pass);
    const { id, group, pipeline: layout } = this.layoutOf(pass);
    const { made: pipeline, outcome } = this.#faults.make(label, (outcome) => {
      const module = this.#device.createShaderModule({ label, code });
      this.#faults.watchModule(outcome, module, locate);
      return this.#device.createComputePipeline({ label, layout, compute: { module, entryPoint: "main" } });
    });
    return { pipeline, layout: group, layoutId: id, label, outcome };
  }

  #knownOf(shaders: readonly Shader[]): Known[] {
    let known = this.#ofList.get(shaders);
    if (known !== undefined) return known;
    const key = shaders.map((shader) => this.#shaderId(shader)).join();
    known = this.#programs.get(key) ?? [];
    this.#programs.set(key, known);
    this.#ofList.set(shaders, known);
    return known;
  }

  #shaderId(shader: Shader): number {
    const seen = this.#idOf.get(shader);
    if (seen !== undefined) return seen;
    const content = JSON.stringify([shader.file, shader.enables, shader.text]);
    const id = this.#shaderIds.get(content) ?? this.#shaderIds.size;
    this.#shaderIds.set(content, id);
    this.#idOf.set(shader, id);
    return id;
  }

  layoutOf(pass: Pass): Layout {
    const [reads, writes] = [Object.keys(pass.reads).length, Object.keys(pass.writes).length];
    const label = `attention-kernels (${reads} read, ${writes} written)`;
    const key = `${reads}|${writes}`;
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const entry = (binding: number, buffer: GPUBufferBindingLayout) => ({
        binding,
        visibility: COMPUTE_STAGE,
        buffer,
      });
      const group = this.#device.createBindGroupLayout({
        label,
        entries: [
          entry(0, { type: "uniform", hasDynamicOffset: true }),
          ...Array.from({ length: reads }, (_, i) => entry(1 + i, { type: "read-only-storage" })),
          ...Array.from({ length: writes }, (_, i) => entry(1 + reads + i, { type: "storage" })),
        ],
      });
      layout = { id: key, group, pipeline: this.#device.createPipelineLayout({ label, bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
