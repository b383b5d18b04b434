import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kernelFeatures, kernels, type AttentionKernel } from "../../src/index.js";

const folder = new URL("../../docs/kernels/", import.meta.url);
const shaders = new URL("../../shaders/", import.meta.url);

/** The page of a kernel: its name with dashes; the row-normalised Gaussian is on the Gaussian's. */
const pageOf = (name: string): string =>
  `${name.replace("Normalized", "").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.md`;
const read = (page: string): string => readFileSync(new URL(page, folder), "utf8");

/** What a kernel takes, and what can learn. */
function learns(kernel: AttentionKernel): string[] {
  const parameters = "parameters" in kernel ? kernel.parameters : [];
  return [...(kernel.inputs ?? []), ...parameters].map(({ name }) => name);
}

const mark = (value: boolean): string => (value ? "yes" : "no");

function table(): string {
  const rows = Object.entries(kernels).map(([name, factory]) => {
    const kernel = factory();
    const { mask, bias, softcap, statistic, linearMemory, keyCache } = kernelFeatures(kernel);
    const cells = [
      `[\`${name}\`](${pageOf(name)})`,
      learns(kernel)
        .map((input) => `\`${input}\``)
        .join(", "),
      kernel.projections ?? "separate",
    ];
    return `| ${[...cells, ...[mask, bias, softcap, statistic, linearMemory, keyCache].map(mark)].join(" | ")} |`;
  });
  const columns = [
    "kernel",
    "takes, learns",
    "projections",
    "masks",
    "bias, ALiBi",
    "softcap",
    "row statistic",
    "memory linear in n",
    "caches keys",
  ];
  return `# The kernels

The table lists what each kernel takes or learns beside q, k and v, which projections a layer gives it, and which
options it accepts. Any other option throws an \`UnsupportedError\`. Every kernel has gradients for all that it learns,
and supports grouped heads, cross-attention, dv ≠ d and, except for \`spatial\` without \`periodic\`,
\`decode\`. (\`linear\` takes \`causal()\` and masks of queries or keys alone at any length. It takes other masks up to
64 queries.)

| ${columns.join(" | ")} |
|${"---|".repeat(columns.length)}
${rows.join("\n")}

A bias together with \`lengths()\` or \`documents()\` needs more than WebGPU's default eight storage buffers in the
backward passes. Adapters with no more than eight throw an \`UnsupportedError\`. [A kernel of your
own](../own-kernel.md) has every "yes".
`;
}

it("the table of kernels and features is that of the registry", async () => {
  await expect(table()).toMatchFileSnapshot("../../docs/kernels/README.md");
});

it("every page belongs to a kernel", () => {
  expect(new Set(readdirSync(folder))).toEqual(new Set(["README.md", ...Object.keys(kernels).map(pageOf)]));
});

describe.each(Object.entries(kernels))("the page of %s", (name, factory) => {
  it("names all that the kernel takes and learns", () => {
    for (const input of learns(factory())) expect(read(pageOf(name))).toContain(`\`${input}\``);
  });

  it("shows WGSL as it is", () => {
    const cells = [...read(pageOf(name)).matchAll(/`shaders\/([^`]+)`\n\n```wgsl\n([\s\S]*?)\n```/g)];
    expect(cells.length).toBeGreaterThan(0);
    for (const [, file, code] of cells) {
      const text = readFileSync(new URL(file, shaders), "utf8");
      for (const part of code.split("\n\nfn ")) expect(text).toContain(part);
    }
  });
});
