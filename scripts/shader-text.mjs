/** The text of a WGSL file without comments and needless space. */
export function shaderText(source) {
  return (
    source
      .replace(/\/\/.*$/gm, "")
      .replace(/^\s+|[ \t]+$/gm, "")
      .replace(/ *([,;:(){}[\]]) */g, "$1")
      .replace(/(?<=[{},(])\n|\n(?=[})])/g, "") // a line a statement remains, for messages of compilers
      .replace(/(\d\.)0\b/g, "$1")
      // one at a time between operands, so that no two operators come together
      .replace(/(?<=[\w)\]]) ?([-+*/%=<>!&|^]+) ?(?=[\w(])/g, "$1")
  );
}
