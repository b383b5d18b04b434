const inspect = Symbol.for("nodejs.util.inspect.custom");

/** Lets console.log of Node show objects with this prototype, or members, by their toString; browsers show objects in their own way. */
export const printsAsText: object = {
  [inspect](this: unknown): string {
    return String(this);
  },
};

/** The same data, which a template string shows by `text`; console.log goes on showing all of it. */
export function withText<Data extends object>(data: Data, text: () => string): Data {
  return Object.defineProperty(data, "toString", { value: text, enumerable: false });
}
