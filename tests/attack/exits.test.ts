import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized, within } from "../support/attack.js";
import { adapterHas } from "../support/gpu.js";
import { bundle } from "../support/processes.js";

// Below node_modules, so that a process of its own finds Dawn.
const cache = fileURLToPath(new URL("../../node_modules/.cache/attention-kernels/", import.meta.url));
let folder = "";
let library = "";
beforeAll(async () => {
  await mkdir(cache, { recursive: true });
  folder = await mkdtemp(join(cache, "exits-"));
  library = await bundle("src/index.ts", folder);
});
afterAll(() => rm(folder, { recursive: true }));

/** How a process with a GPU ends, and the code that it should end with; `gpu`, `x` (a tensor) and `ops` are there. */
const endings: Readonly<Record<string, readonly [body: string, code: number]>> = {
  dispose: ["await x.read(); gpu.dispose();", 0],
  "dispose at once": ["gpu.dispose();", 0],
  "dispose twice, and tensors after it": ["gpu.dispose(); gpu.dispose(); x.dispose();", 0],
  "dispose by using": ["{ using own = await requestGpu(options); await own.tensor([1]).read(); } gpu.dispose();", 0],
  "dispose with work queued": ["for (let i = 0; i < 300; i++) ops.exp(x); gpu.dispose();", 0],
  "dispose with a read under way": ["const read = x.read().catch(() => undefined); gpu.dispose(); await read;", 0],
  // garbage is collected before Dawn has its turns of the event loop
  "dispose before long computations": [
    "gpu.dispose(); for (let round = 0; round < 6; round++) { const own = await requestGpu({ ...options, " +
      "subgroupMatrices: round % 2 === 0 }); ops.exp(own.tensor([1])); own.finish().catch(() => undefined); " +
      "own.dispose(); for (let i = 0; i < 20; i++) await null; for (const time of [100, 101, 102, 103]) " +
      "setTimeout(gc, time); const start = performance.now(); while (performance.now() - start < 300); " +
      "await new Promise((resolve) => setTimeout(resolve, 7 * round)); }",
    0,
  ],
  "two devices, one after the other": [
    "const other = await requestGpu(options); await other.tensor([1]).read(); gpu.dispose(); await " +
      "other.tensor([1]).read(); other.dispose();",
    0,
  ],
  "exit without dispose": ["await x.read(); process.exit(0);", 0],
  "exit with a code, and a read under way": ["x.read().catch(() => undefined); process.exit(7);", 7],
  "an exit code, and dispose": ["process.exitCode = 3; await x.read(); gpu.dispose();", 3],
  "an error that nobody catches": ["await x.read(); throw new Error('on purpose');", 1],
  "an error that nobody catches, with a read under way": [
    "x.read().catch(() => undefined); throw new Error('on purpose');",
    1,
  ],
  "an error in a later turn": ["setTimeout(() => { throw new Error('on purpose'); }, 10); await x.read();", 1],
  "a rejection that nobody handles": [
    "x.dispose(); void x.read(); await new Promise((resolve) => setTimeout(resolve, 50));",
    1,
  ],
  "a rejected read after dispose": ["gpu.dispose(); await x.read().catch(() => undefined);", 0],
};

const places: readonly (readonly [string, readonly string[], boolean])[] = [
  ["the null backend", ["backend=null"], true],
  ["the adapter", [], await adapterHas(() => true)],
];

describe.each(places)("a process on %s", (_, dawn, available) => {
  const chosen = Object.entries(endings).filter((_entry, at) => dawn.length > 0 || at % sized(4, 1) === 0);
  it.runIf(available).each(chosen)("that ends by %s has the right exit code", async (title, [body, code]) => {
    const script = join(dirname(library), `${title.replace(/\W+/g, "-")}-${dawn.length}.mjs`);
    // `using` is younger than the oldest Node that is supported
    const plain = body.replace(/\{ using own = (.*?;) (.*?) \}/, "{ const own = $1 $2 own[Symbol.dispose](); }");
    await writeFile(
      script,
      `import { ops, requestGpu } from ${JSON.stringify(library)};\nconst options = ` +
        `${JSON.stringify({ dawn })};\nconst gpu = await requestGpu(options);\nconst x = gpu.tensor([1, ` +
        `2]);\n${plain}\n`,
    );
    for (let round = 0; round < sized(1, 5); round++) {
      const child = spawn(process.execPath, ["--expose-gc", script], { stdio: ["ignore", "ignore", "pipe"] });
      const said = text(child.stderr);
      try {
        await within("the end of the process", once(child, "exit"));
      } finally {
        child.kill("SIGKILL");
      }
      expect({ code: child.exitCode, signal: child.signalCode }, await said).toEqual({ code, signal: null });
    }
  });
});
