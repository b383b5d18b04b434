/** Bytes of a page of memory. */
export const PAGE = 2 ** 16;

/** Memory for programs; undefined where there is no WebAssembly. */
export function memoryOf(pages: number): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: pages });
  } catch {
    return undefined;
  }
}

/**
 * The exports of an assembled `program`, which may import `memory`; undefined where WebAssembly is forbidden or has no
 * SIMD.
 */
export function exportsOf<Exports>(program: string, memory?: WebAssembly.Memory): Exports | undefined {
  try {
    const bytes = Uint8Array.from(atob(program), (character) => character.charCodeAt(0));
    const host: WebAssembly.ModuleImports = memory === undefined ? {} : { memory };
    return new WebAssembly.Instance(new WebAssembly.Module(bytes), { host }).exports as unknown as Exports;
  } catch {
    return undefined;
  }
}
