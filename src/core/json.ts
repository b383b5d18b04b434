/** A safetensors header and an index have two levels; what follows from a million costs memory. */
const DEEPEST = 16;

/** Where the string that starts at `start` ends: its closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

/** Throws for a text that nests deeper than 16 levels, or an object with a name twice, of which `JSON.parse` would keep the last alone. */
function checkNames(text: string): void {
  const open: Set<string>[] = [];
  const string = /"\s*(:)?/y;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") {
      if (open.push(new Set()) > DEEPEST) throw new SyntaxError(`more than ${DEEPEST} levels`);
    } else if (character === "}" || character === "]") open.pop();
    else if (character === '"') {
      const start = at;
      string.lastIndex = at = endOfString(text, start);
      const isName = string.exec(text)?.[1] === ":";
      if (!isName) continue;
      const name = JSON.parse(text.slice(start, at + 1)) as string;
      const names = open.at(-1);
      if (names?.has(name)) throw new SyntaxError(`the name ${showJson(name)} twice`);
      names?.add(name);
    }
  }
}

/**
 * What a JSON text says, where every object's names differ.
 * @throws SyntaxError for what is no JSON, a name twice, or more than 16 levels.
 */
export function parseJson(text: string): unknown {
  checkNames(text);
  return JSON.parse(text);
}

/** Longest text of a value in an error message. */
const LONGEST = 80;

/** A value for an error message: short, also where it is a hostile file's. */
export function showJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return "none";
  return text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, "")}...` : text;
}
