/** Safetensors headers and indices nest two levels deep. Deeper nesting only costs memory. */
const DEEPEST = 16;

/** The index of the closing quote of the string that begins at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

/**
 * Throws for more than 16 levels of nesting, and for a duplicate name in an object, of which `JSON.parse` would keep
 * only the last.
 */
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
 * Parses JSON without duplicate names.
 * @throws SyntaxError for invalid JSON, a duplicate name, or more than 16 levels.
 */
export function parseJson(text: string): unknown {
  checkNames(text);
  return JSON.parse(text);
}

/** Most characters of a value in an error message. */
const LONGEST = 80;

/** A value as JSON for an error message, cut to a safe length. */
export function showJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) return "none";
  return text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/[\uD800-\uDBFF]$/, "")}...` : text;
}
