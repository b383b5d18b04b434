// npm run bench:isa: what Mesa's compiler makes of the programs of attention for AMD GPUs that are not in the machine.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { cache, run } from "../scripts/processes.mjs";
import { hardwarePrograms } from "./isa/programs.mjs";
import { statisticsOf } from "./isa/statistics.mjs";

const here = join(dirname(fileURLToPath(import.meta.url)), "isa");
const folder = join(cache, "isa");
const list = (text) => text.split(",");
const options = new Command("npm run bench:isa --")
  .description("Prints registers, spills, memory and waves of every program of attention that hardware runs.")
  .option("--families <names>", "GPUs as RADV_FORCE_FAMILY names them", list, ["navi21", "navi31", "gfx1200", "vega20"])
  .option("--widths <numbers>", "widths of heads", (text) => list(text).map(Number), [64, 128, 256])
  .option("--dtype <name>", "how queries, keys and values are stored: f32 or f16", "f32")
  .option("--workgroup <bytes>", "workgroup memory of the adapter", Number, 65536)
  .option("--every", "a row for every kernel, not the worst of each pass")
  .option("--keep <folder>", "writes the programs and their machine code there")
  .parse()
  .opts();

/** Ends with one line where something is missing. */
function skip(missing) {
  console.log(
    `bench:isa skipped: no ${missing}. It needs Linux, Mesa's driver radeon_icd (mesa-vulkan-drivers) and cc.`,
  );
  process.exit(0);
}

/** The library of Mesa's driver for AMD, as its manifest names it. */
function mesaDriver() {
  for (const place of ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"]) {
    const file = existsSync(place) && readdirSync(place).find((name) => /^radeon_icd.*\.json$/.test(name));
    if (file) return JSON.parse(readFileSync(join(place, file), "utf8")).ICD;
  }
  return skip("radeon_icd*.json among Vulkan's drivers");
}

/** The environment in which Dawn finds that driver behind ours. */
function environment() {
  const { library_path: DRIVER, api_version } = mesaDriver();
  mkdirSync(folder, { recursive: true });
  const library_path = join(folder, "driver.so");
  try {
    execFileSync("cc", ["-shared", "-fPIC", "-O1", join(here, "driver.c"), "-o", library_path, "-ldl"]);
  } catch (error) {
    if (error.code === "ENOENT") skip("C compiler (cc)");
    throw error;
  }
  const manifest = join(folder, "driver.json");
  writeFileSync(manifest, JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path, api_version } }));
  return { ...process.env, DRIVER, VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest };
}

const env = environment();
const programs = await hardwarePrograms({ ...options, workgroupBytes: options.workgroup });
const texts = join(folder, "programs.json");
writeFileSync(texts, JSON.stringify(programs.map(({ code }) => code)));

/** What the compiler of a family makes of every program, in their order. */
async function compile(family) {
  const { output } = await run(process.execPath, [join(here, "compile.mjs"), texts], {
    env: { ...env, RADV_FORCE_FAMILY: family, RADV_DEBUG: "asm,shaderstats,nocache" },
  });
  const parts = output.split(/^program \d+$/m).slice(1);
  if (parts.length < programs.length || !/^end$/m.test(output)) throw new Error(`${family}: ${output.slice(-2000)}`);
  if (options.keep !== undefined) {
    for (const [index, { kernel, width, pass, code }] of programs.entries()) {
      const base = join(options.keep, [family, pass, width, kernel].join("-"));
      mkdirSync(options.keep, { recursive: true });
      writeFileSync(`${base}.wgsl`, code);
      writeFileSync(`${base}.txt`, parts[index]);
    }
  }
  return parts.map(statisticsOf);
}

/** The worst of every number; of the shares softmax's, because not all kernels multiply in their loops. */
function worst(all, softmax) {
  const of = (pick, name) => pick(...all.map((one) => one[name]));
  const most = ["registers", "spilled", "scratch", "lds"].map((name) => [name, of(Math.max, name)]);
  return { ...Object.fromEntries(most), waves: of(Math.min, "waves"), share: (softmax ?? all[0]).share };
}

const kib = (bytes) => `${Number((bytes / 1024).toFixed(1))} KiB`;
const cell = ({ registers, spilled, scratch, waves, share }) =>
  `${registers}, ${waves}` +
  (share === undefined ? "" : `, ${share} %`) +
  (spilled > 0 ? `, ${spilled} spilled` : "") +
  (scratch > 0 ? `, ${kib(scratch)} scratch` : "");

const byFamily = [];
for (const family of options.families) byFamily.push(await compile(family));

const groups = new Map();
for (const [index, { pass, width, kernel }] of programs.entries()) {
  const key = [pass.replaceAll("_", " "), width, ...(options.every ? [kernel] : [])].join(" | ");
  groups.set(key, [...(groups.get(key) ?? []), index]);
}
const line = (...cells) => console.log(`| ${cells.join(" | ")} |`);
const titles = ["pass", "d", ...(options.every ? ["kernel"] : []), "workgroup memory"];
console.log("Registers, waves a SIMD, and the share of multiply-adds in the inner loops; scratch memory is a wave's.");
if (!options.every) console.log("Registers, waves and memory are the worst of all kernels, shares are softmax's.");
console.log();
line(...titles, ...options.families);
line(...[...titles, ...options.families].map(() => "---"));
for (const [key, indices] of [...groups].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))) {
  const softmax = indices.find((index) => programs[index].kernel === "softmax");
  const cells = byFamily.map((all) =>
    worst(
      indices.map((index) => all[index]),
      all[softmax],
    ),
  );
  line(key, kib(Math.max(...cells.map(({ lds }) => lds))), ...cells.map(cell));
}
