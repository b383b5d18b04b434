import source from "./dissect.js?raw";
import { optionsOf, type Settings } from "./settings.js";

const fileOfArguments = `const path = process.argv[2];
if (path === undefined) throw new Error("Usage: node your-model.mjs model.safetensors");
const beside = (name) => join(dirname(path), name);
const config = existsSync(beside("config.json")) ? JSON.parse(readFileSync(beside("config.json"), "utf8")) : undefined;
const model = { file: await openAsBlob(path), shard: (name) => openAsBlob(beside(name)), config };
`;

/**
 * A script for Node that computes what the page shows, of the sample or of a file.
 *
 * @param settings those of the page
 */
export function scriptOf(settings: Settings): string {
  const { sample, seed, alike } = settings;
  const imports = sample
    ? ""
    : 'import { existsSync, openAsBlob, readFileSync } from "node:fs";\nimport { dirname, join } from "node:path";\n';
  const model = sample ? `const model = sampleModel(${JSON.stringify({ seed, alike })});\n` : fileOfArguments;
  return `${imports}${source}
${model}const { sizes, layers, control } = await dissect({ ...model, ...${JSON.stringify(optionsOf(settings))} });
const line = (name, { weighted, noise }) => console.log(name, weighted, "± noise", noise.weighted);
layers.forEach((layer, at) => line(\`layer \${sizes[at].label}\`, layer));
line("random weights", control);
`;
}
