import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { unpack } from "../../scripts/archive.mjs";

/** Chromium with the shared libraries that a bare system lacks, in one folder; npm has it for this system only. */
export const hasChromium = process.platform === "linux" && process.arch === "x64";

/** A headless Chromium with WebGPU by SwiftShader, or without WebGPU. */
export function launch({ webgpu = true }: { readonly webgpu?: boolean } = {}): Promise<Browser> {
  const folder = unpack("chromium", ["chromium.br", "swiftshader.tar.br", "al2023.tar.br"]);
  // A driver chosen for Dawn in Node is not the page's.
  const env = Object.entries(process.env).filter(([name]) => name !== "VK_DRIVER_FILES" && name !== "VK_ICD_FILENAMES");
  return chromium.launch({
    executablePath: join(folder, "chromium"),
    args: ["--no-sandbox", ...(webgpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : [])],
    env: { ...Object.fromEntries(env), LD_LIBRARY_PATH: folder },
  });
}

/** Serves text by path, without its first slash and with its query; `undefined` is an empty answer. */
export async function serve(
  textOf: (path: string) => string | undefined,
): Promise<{ readonly address: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const path = request.url!.slice(1);
    response.setHeader("content-type", /\.js$/.test(path) && !path.startsWith("?") ? "text/javascript" : "text/html");
    response.end(textOf(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}
