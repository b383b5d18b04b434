import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./processes.mjs";

/** The most characters of a joined line, so that line numbers in a compiler's messages stay useful. */
const WIDTH = 1000;

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/**
 * The text of a function with a letter for each of its parameters and local variables. A local variable must not have
 * the name of a global that the function also uses: the result would not compile.
 */
function shortened(text) {
  const head = text.slice(0, text.indexOf("{"));
  const names = new Set(
    [...head.matchAll(/(\w+):/g), ...text.matchAll(/\b(?:let|var|const) (\w+)/g)].map(([, name]) => name),
  );
  const used = new Set(text.match(/(?<![.\w])[a-zA-Z]\b/g));
  const free = LETTERS.filter((letter) => !used.has(letter));
  const letters = new Map();
  for (const name of names) if (name.length > 1 && free.length > 0) letters.set(name, free.shift());
  return text.replace(/(?<![.\w]|@builtin\()[a-zA-Z]\w+/g, (name) => letters.get(name) ?? name);
}

/** The texts of all files with an ending below a folder. */
const textsIn = (folder, ending) =>
  readdirSync(join(root, folder), { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(root, folder, name), "utf8"));

/**
 * Short names for what the shaders declare outside functions. These keep their names: hooks, which several files
 * declare; words of `src/` and of `docs/own-kernel.md`; and names that the code puts together from parts.
 */
function shortNames() {
  const shaders = textsIn("shaders", ".wgsl");
  const words = (texts) => new Set(texts.flatMap((text) => text.match(/\w+/g)));
  const kept = words([...textsIn("src", ".ts"), readFileSync(join(root, "docs/own-kernel.md"), "utf8")]);
  const taken = words(shaders);
  // with an underscore first, since a user's shader is likely to declare x0 or c1
  const free = ["", ...LETTERS]
    .flatMap((first) => LETTERS.map((second) => `_${first}${second}`))
    .filter((name) => !taken.has(name) && !kept.has(name));
  const declared = shaders.flatMap((text) =>
    [...text.matchAll(/^(?:fn|const|struct|var<[^>]*>) (\w+)/gm)].map(([, name]) => name),
  );
  const long = declared.filter(
    (name) =>
      name.length > 2 &&
      !kept.has(name) &&
      declared.indexOf(name) === declared.lastIndexOf(name) &&
      !/^main$|^f_|results/.test(name),
  );
  return new Map(long.sort().map((name, at) => [name, free[at]]));
}

const short = shortNames();

/** The text of a WGSL file without comments and needless space, and with short names. */
export function shaderText(source) {
  const lines = source
    .replace(/\/\/.*$/gm, "")
    .replace(/(?<![.\w])[a-zA-Z]\w+/g, (name) => short.get(name) ?? name)
    .replace(/^fn .*}$|^fn [^]*?^}/gm, shortened)
    .replace(/ *([,;:(){}[\]]) */g, "$1")
    .replace(/(\d\.)0\b/g, "$1")
    // one at a time between operands, so that no two operators come together
    .replace(/(?<=[\w)\].]) ?([-+*/%=<>!&|^]+) ?(?=[\w(])/g, "$1")
    .replace(/(?<==) (?=[-!])/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const joined = [];
  for (const line of lines) {
    const last = joined.at(-1);
    const fits = last !== undefined && last.length + line.length <= WIDTH && !/\w$/.test(last);
    if (fits) joined[joined.length - 1] += line;
    else joined.push(line);
  }
  return joined.join("\n");
}
