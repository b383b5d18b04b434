// WebGPU's bit flags by their values in the specification: Node has no global names for them.
export const BufferUsage = {
  MAP_READ: 0x01,
  COPY_SRC: 0x04,
  COPY_DST: 0x08,
  UNIFORM: 0x40,
  STORAGE: 0x80,
  QUERY_RESOLVE: 0x200,
} as const;
export const MAP_READ_MODE = 0x01;
export const COMPUTE_STAGE = 0x04;
