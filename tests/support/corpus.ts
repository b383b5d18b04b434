import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A file of 48 short texts in which one word gives the class away. */
export async function tinyCorpus(folder: string): Promise<string> {
  const path = join(folder, "tiny.csv");
  const nouns = ["cat", "dog", "fox", "owl", "bee", "ant"];
  const rows = Array.from({ length: 48 }, (_, index) => {
    const [first, second] = [nouns[index % 6], nouns[Math.floor(index / 6) % 6]];
    const label = index % 2 === 0 ? "spam" : "ham";
    return (
      `the ${label === "spam" ? "offer" : "letter"} of the ${first} and the ${second} number ` +
      `${index < 36 ? "one" : "two"},${label}`
    );
  });
  await writeFile(path, ["text,label", ...rows].join("\n"));
  return path;
}
