declare module "*.wgsl" {
  const source: string;
  export default source;
}

declare module "*.wat" {
  /** Bytes in base64. */
  const bytes: string;
  export default bytes;
}
