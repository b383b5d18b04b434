/** Everything of JSON that matters to names: braces, and strings with the colon that makes one a name. */
const TOKENS = /[{}]|"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?/g;

/** The first name that an object in valid JSON has twice, of which `JSON.parse` would keep the last alone; undefined where there is none. */
export function duplicateName(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, raw, colon] of text.matchAll(TOKENS)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(`"${raw}"`) as string;
      const names = open[open.length - 1];
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return undefined;
}

/** Longest text of a value in an error message. */
const LONGEST = 80;

/** A value for an error message: short, also where it is a hostile file's. */
export function showJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return "a value nested too deeply to show";
  }
  if (text === undefined) return "none";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text;
}
