import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { cache, root } from "./processes.mjs";

const block = 512;

/**
 * The regular files of a tar archive, with paths of at most 100 bytes.
 * @param {Buffer} tar
 * @returns {Generator<{ path: string, data: Buffer }>}
 */
export function* readTar(tar) {
  /** @param {number} start @param {number} length */
  const text = (start, length) => tar.toString("latin1", start, start + length).replace(/\0.*$/s, "");
  for (let at = 0; at + block <= tar.length && tar[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8);
    const type = text(at + 156, 1);
    const data = at + block;
    if (type === "" || type === "0") yield { path: text(at, 100), data: tar.subarray(data, data + size) };
    at = data + Math.ceil(size / block) * block;
  }
}

/**
 * Unpacks archives of the installed `@sparticuz/chromium` side by side into a folder of the cache.
 * @param {string} label name of the folder, without the version
 * @param {string[]} names files of its `bin/`: `*.tar.br`, or `*.br` for a single executable
 * @returns {string} the folder, ready to use
 */
export function unpack(label, names) {
  const source = join(root, "node_modules", "@sparticuz", "chromium");
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const folder = join(cache, `${label}-${version}`);
  if (existsSync(folder)) return folder;

  // Renamed in one step, so that an existing folder is complete.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  for (const name of names) {
    const data = brotliDecompressSync(readFileSync(join(source, "bin", name)));
    const plain = name.endsWith(".tar.br") ? readTar(data) : [{ path: basename(name, ".br"), data }];
    for (const file of plain) writeFileSync(join(draft, basename(file.path)), file.data, { mode: 0o755 });
  }
  try {
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** A folder with SwiftShader under the file name of the Vulkan loader. */
export function swiftshaderFolder() {
  const folder = unpack("swiftshader", ["swiftshader.tar.br"]);
  const vulkan = join(folder, "vulkan", "libvulkan.so.1");
  if (!existsSync(vulkan)) {
    mkdirSync(dirname(vulkan), { recursive: true });
    const draft = `${vulkan}.${process.pid}`;
    writeFileSync(draft, readFileSync(join(folder, "libvk_swiftshader.so")), { mode: 0o755 });
    renameSync(draft, vulkan);
  }
  return dirname(vulkan);
}
