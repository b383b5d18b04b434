/** Lines are joined up to so many characters, so that the line in a compiler's message still says where. */
const WIDTH = 1000;

/** The text of a WGSL file without comments and needless space. */
export function shaderText(source) {
  const lines = source
    .replace(/\/\/.*$/gm, "")
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
