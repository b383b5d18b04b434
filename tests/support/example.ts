/** A public function with valid arguments, and the place of its options among them. */
export interface Example {
  /** Default: the export of that name. */
  readonly call?: (...given: never[]) => unknown;
  readonly given: () => readonly unknown[];
  /** Undefined where it takes none. */
  readonly options?: number;
}

export const example = (given: Example["given"], options?: number): Example => ({ given, options });
