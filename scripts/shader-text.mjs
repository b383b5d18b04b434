/** Lines are joined up to so many characters, so that the line in a compiler's message still says where. */
const WIDTH = 1000;

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/**
 * The text of a function with a letter for every name that it declares. Where a function also uses another file's
 * declaration by such a name, the result does not compile.
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

/** The text of a WGSL file without comments and needless space, and with short names inside its functions. */
export function shaderText(source) {
  const lines = source
    .replace(/\/\/.*$/gm, "")
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
