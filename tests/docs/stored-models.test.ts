import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import { describe, expect, it } from "vitest";
import * as library from "../../src/standalone.js";
import { storedModels } from "../support/stored-models/index.js";

const page = readFileSync(new URL("../../docs/stored-models.md", import.meta.url), "utf8");
const code = [...page.matchAll(/```js\n([^]*?)```/g)]
  .map(([, block]) => block.replace(/^import .*\n/gm, ""))
  .join("\n");
const stored = (part: string) => storedModels.find(({ title }) => title.includes(part))!;

describe("docs/stored-models.md", () => {
  it("runs from top to bottom on small models", async () => {
    const [bert, vit, llama] = ["BERT that classifies", "timm's ViT", "Llama"].map(stored);
    const files: Record<string, string | Uint8Array> = {
      "bert/config.json": JSON.stringify(bert.config),
      "bert/model.safetensors": library.encodeSafetensors(bert.weights),
      "vit.safetensors": library.encodeSafetensors(vit.weights),
      "llama.safetensors": library.encodeSafetensors(llama.weights),
    };
    const lines: unknown[][] = [];
    const names = {
      ...library,
      readFile: (name: string) => Promise.resolve(files[name]),
      writeFile: (name: string, bytes: Uint8Array) => Promise.resolve((files[name] = bytes)),
      console: { log: (...parts: unknown[]) => lines.push(parts) },
    };
    const run = compileFunction(`return (async () => { ${code}; return vit; })()`, Object.keys(names)) as (
      ...values: unknown[]
    ) => Promise<library.LoadedTransformer>;
    const loaded = await run(...Object.values(names));
    expect(loaded.head).toBe("classification");
    expect(lines[0]).toEqual(["BERT", "classification", 0, [2, 3]]);
    expect(lines).toHaveLength(5);
    const tuned = await library.openSafetensors(files["tuned.safetensors"] as Uint8Array);
    expect(new Set(tuned.tensors.keys())).toEqual(new Set(Object.keys(bert.weights)));
  });

  it("names every family", () => {
    for (const name of ["BERT", "RoBERTa", "DistilBERT", "ViT", "DeiT", "timm", "GPT-2", "Llama", "Mistral", "Qwen2"])
      expect(page).toContain(name);
  });
});
