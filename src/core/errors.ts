/** The parts of an error message. */
export interface Complaint {
  /** The public function that throws. */
  readonly where: string;
  readonly argument?: string;
  readonly wanted: string;
  readonly got: string;
  /** What the user can do about it, as a sentence. */
  readonly fix?: string;
}

/** Control and bidirectional characters. Messages quote files and users, and terminals interpret such characters. */
const UNPRINTABLE = /(?![\n\t])[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

const compose = ({ where, argument, wanted, got, fix }: Complaint): string =>
  `${where}: ${argument ? `${argument}: ` : ""}wanted ${wanted}, got ${got}.${fix ? ` ${fix}` : ""}`.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Base of every error that this library throws on purpose. */
export class AttentionKernelsError extends Error {
  /** The name of the class. Minifiers rename classes, but not this text. */
  override get name(): string {
    return "AttentionKernelsError";
  }

  constructor(complaint: Complaint | string) {
    super(typeof complaint === "string" ? complaint : compose(complaint));
  }
}

/** A tensor's shape does not fit. */
export class ShapeError extends AttentionKernelsError {
  override get name(): string {
    return "ShapeError";
  }
}

/** An argument's value cannot be used: an unknown option, tensors of two backends, a disposed tensor. */
export class ArgumentError extends AttentionKernelsError {
  override get name(): string {
    return "ArgumentError";
  }
}

/** The adapter, or the library, cannot do this: no adapter, no feature, above a limit. */
export class UnsupportedError extends AttentionKernelsError {
  override get name(): string {
    return "UnsupportedError";
  }
}

/** A data file or a record in it cannot be read. */
export class DataError extends AttentionKernelsError {
  override get name(): string {
    return "DataError";
  }
}

/** NaN or infinity where finite numbers are required. */
export class NonFiniteError extends AttentionKernelsError {
  override get name(): string {
    return "NonFiniteError";
  }
}

/** The device reported a validation, out-of-memory or internal error for work queued earlier. */
export class DeviceError extends AttentionKernelsError {
  override get name(): string {
    return "DeviceError";
  }
}

/** A linked shader does not compile; the message names the file and the line in it. */
export class ShaderCompileError extends DeviceError {
  override get name(): string {
    return "ShaderCompileError";
  }
}

/** The device is gone; tensors on it cannot be read any more. */
export class DeviceLostError extends DeviceError {
  override get name(): string {
    return "DeviceLostError";
  }
}
