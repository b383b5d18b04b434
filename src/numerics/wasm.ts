/** The exports of an assembled `program`; undefined where WebAssembly is forbidden or has no SIMD. */
export function exportsOf<Exports>(program: string): Exports | undefined {
  try {
    const bytes = Uint8Array.from(atob(program), (character) => character.charCodeAt(0));
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as unknown as Exports;
  } catch {
    return undefined;
  }
}
