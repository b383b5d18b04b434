import { joined } from "../kit/script.js";
import sentences from "./sentences.js?raw";
import { taskOf, type Settings } from "./settings.js";
import source from "./train.js?raw";

/** What a reader runs to get the numbers of the page. */
export interface Script {
  readonly code: string;
  readonly file: string;
  /** How to run it, if not as a script of Node. */
  readonly how?: string;
}

/** The command of the study that trains on the same pictures from the same start, for whole epochs. */
function command({ kernel, seed, steps, batch, examples, width, layers, rate, on }: Settings): Script {
  const epochs = Math.ceil(Number(steps) / Math.floor(Number(examples) / Number(batch)));
  const backend = on === "webgpu" ? "gpu" : "cpu";
  const options = { seed, seeds: 1, kernels: `softmax,${kernel}`, examples, epochs, rates: rate, backend };
  const text = Object.entries(options).map(([name, value]) => `--${name} ${value}`);
  const isSame = batch === "64" && width === "32" && layers === 2;
  return {
    code: `npx attention-kernels study pathfinder --without-landscape ${text.join(" ")}\n`,
    file: "pathfinder.sh",
    how: isSame
      ? "The command of the study with the same pictures, weights and batches"
      : "The study's command; it has batches of 64, width 32 and two layers, so that its numbers differ from these",
  };
}

/**
 * What computes in Node what the page shows: a script, or for pictures the study's command.
 *
 * @param settings those of the page
 */
export function scriptOf(settings: Settings): Script {
  if (settings.data === "pictures") return command(settings);
  const { training, examples, tests } = taskOf(settings, "softmax");
  const gpu = settings.on === "webgpu";
  const imports = `import { ${gpu ? "requestGpu" : "cpu"} } from "attention-kernels";\n`;
  return {
    file: "train-here.mjs",
    code: `${joined(imports, sentences, source)}
const settings = ${JSON.stringify({ ...training, kernel: undefined }, null, 2)};
const data = sentenceData({ seed: settings.seed, examples: ${examples}, tests: ${tests} });
const backend = ${gpu ? "await requestGpu(); // npm install webgpu" : "cpu;"}
for (const kernel of ${JSON.stringify(["softmax", settings.kernel])}) {
  await train({ ...settings, kernel }, backend, data, ({ record, step, loss }) => {
    if (record) console.log(\`\${kernel}, step \${record.step}: accuracy \${record.accuracy}\`);
    else if (step === settings.steps) console.log(\`\${kernel}, step \${step}: loss \${loss}\`);
    for (const warning of record?.warnings ?? []) console.log(\`  \${warning}\`);
  });
}
`,
  };
}
