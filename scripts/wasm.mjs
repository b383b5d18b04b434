import { Buffer } from "node:buffer";
import wabt from "wabt";

/** The bytes of a WebAssembly text in base64. */
export async function assemble(name, source) {
  const module = (await wabt()).parseWat(name, source, { simd: true });
  try {
    module.validate();
    return Buffer.from(module.toBinary({}).buffer).toString("base64");
  } finally {
    module.destroy();
  }
}
