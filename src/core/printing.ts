const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * Makes Node's console.log show an object by its toString. Mix it into a prototype or an object. Browsers ignore it.
 */
export const printsAsText: object = {
  [inspect](this: unknown): string {
    return String(this);
  },
};

/** Gives data a toString for template strings. console.log still shows all of the data. */
export function withText<Data extends object>(data: Data, text: () => string): Data {
  return Object.defineProperty(data, "toString", { value: text, enumerable: false });
}
