/** The text of a file. */
declare module "*?raw" {
  const text: string;
  export default text;
}

/** The address of a picture. */
declare module "*.png" {
  const address: string;
  export default address;
}

/** A component of a page. */
declare module "*.vue" {
  import type { Component } from "vue";
  const component: Component;
  export default component;
}
