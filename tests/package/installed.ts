import { execFile, execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { readTar } from "../../scripts/archive.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Record<"import" | "require", Conditions>>>;
}

/** Where an entry point's declarations and its code are. */
interface Conditions {
  readonly types: string;
  readonly default: string;
}

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;

/** The files of every entry point that is a module with types. */
export function packageEntries(of: keyof Conditions, how: "import" | "require" = "import"): string[] {
  return Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [join(root, entry[how][of])],
  );
}

let tarball: Buffer | undefined;

/** The tarball, packed once a process. */
function pack(): Buffer {
  if (tarball !== undefined) return tarball;
  const into = mkdtempSync(join(tmpdir(), "attention-kernels-"));
  const args = ["pack", "--json", "--ignore-scripts", "--loglevel=error", `--pack-destination=${into}`];
  const npm = process.env["npm_execpath"];
  const options = { cwd: root, encoding: "utf8" } as const;
  const printed = npm
    ? execFileSync(process.execPath, [npm, ...args], options)
    : execFileSync("npm", args, { ...options, shell: process.platform === "win32" });
  const packed = JSON.parse(printed) as { filename: string }[];
  tarball = gunzipSync(readFileSync(join(into, packed[0].filename)));
  rmSync(into, { recursive: true });
  return tarball;
}

/** A consumer's folder outside the repository, in which the packed tarball is installed. */
export interface Installed {
  readonly folder: string;
  /** The files of the tarball. */
  readonly files: readonly string[];
  remove(): void;
}

/**
 * Packs the library and installs it as a user would have it: the tarball's files, beside them the packages that it
 * declares and `extra` ones, and nothing else. Needs no network: declared packages are links to the repository's own.
 */
export function installPackage(extra: readonly string[]): Installed {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "attention-kernels-")));
  const packages = join(folder, "node_modules");
  const files: string[] = [];
  for (const { path, data } of readTar(pack())) {
    const file = path.replace(/^package\//, "");
    const target = join(packages, manifest.name, file);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, data);
    files.push(file);
  }
  for (const name of [...Object.keys(manifest.dependencies ?? {}), ...extra]) {
    mkdirSync(dirname(join(packages, name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(packages, name), "junction");
  }
  cpSync(join(root, "tests/package/consumer"), folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  return { folder, files, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs a script with a runtime in a folder and gives what it printed. */
export async function runScript(
  [command, ...flags]: readonly [string, ...string[]],
  folder: string,
  ...args: readonly string[]
): Promise<string> {
  const { stdout } = await promisify(execFile)(command, [...flags, ...args], {
    cwd: folder,
    maxBuffer: 1 << 26,
    timeout: 220_000,
  });
  return stdout;
}

/** `runScript` with this Node. */
export const node = (folder: string, ...args: readonly string[]): Promise<string> =>
  runScript([process.execPath], folder, ...args);

/** What the scripts `module.mjs` and `commonjs.cjs` print. */
export interface Printed {
  readonly names: readonly string[];
  readonly cpu: Answers;
  readonly gpu?: Answers;
}

/** Output and gradients by kernel. */
export type Answers = Readonly<Record<string, readonly (readonly number[])[]>>;

/** The largest difference of two sets of answers, relative to the largest number of each array. */
export function difference(a: Answers, b: Answers): number {
  let largest = 0;
  for (const [kernel, arrays] of Object.entries(a)) {
    arrays.forEach((values, index) => {
      const others = b[kernel][index];
      const scale = Math.max(...values.map(Math.abs));
      for (let i = 0; i < Math.max(values.length, others.length); i++) {
        const relative = Math.abs(values[i] - others[i]) / scale;
        largest = relative <= largest ? largest : relative; // keeps NaN
      }
    });
  }
  return largest;
}

/** float32 carries 24 bits; a row of seven exponentials and its gradient lose four of them at most. */
export const FLOAT32_AGREEMENT = 2 ** -20;
