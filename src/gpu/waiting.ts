import type { Faults, Outcome } from "./faults.js";
import type { Block } from "./memory.js";

/** Commands to record. */
export interface Command {
  readonly blocks: readonly Block[];
  /** Of the pipeline that they run. */
  readonly program: Outcome | undefined;
  /** What JavaScript keeps for them. */
  readonly bytes: number;
  readonly record: () => void;
}

/** How much waits at most, before a caller that never awaits gets its commands recorded unchecked. */
const LIMITS = { commands: 4096, bytes: 2 ** 28 };

/** Whether the device had no memory for a block, which nobody has tried again. */
const isWanting = ({ outcome, renewed }: Block): boolean => outcome.error !== undefined && !renewed;

/** Whether the device has said of everything that commands use whether it could make it. */
export function areKnown(blocks: readonly Block[], program: Outcome | undefined): boolean {
  if (program?.open === true) return false;
  for (const block of blocks) if (block.outcome.open || isWanting(block)) return false;
  return true;
}

/**
 * Commands that use new memory or new pipelines, and all that come after them, in order, until the device says whether
 * it could make those.
 *
 * One invalid part makes a whole batch of commands invalid, and errors arrive late. Commands that wait can be left out
 * instead, and where memory is short, others' free memory can go first.
 */
export class Waiting {
  readonly #faults: Faults;
  /** Lets go of free memory that is not `needed`, and waits until the device has it back. */
  readonly #reclaim: (needed: ReadonlySet<Block>) => Promise<void>;
  #commands: Command[] = [];
  #next = 0;
  #bytes = 0;
  #emptied: Promise<void> | undefined;

  constructor(faults: Faults, reclaim: (needed: ReadonlySet<Block>) => Promise<void>) {
    this.#faults = faults;
    this.#reclaim = reclaim;
  }

  get isEmpty(): boolean {
    return this.#commands.length === 0;
  }

  /** Resolves when nothing waits; undefined where nothing does. */
  get emptied(): Promise<void> | undefined {
    return this.#emptied;
  }

  add(command: Command): void {
    this.#commands.push(command);
    this.#bytes += command.bytes;
    if (this.#commands.length > LIMITS.commands || this.#bytes > LIMITS.bytes) this.#recordAll();
    else this.#emptied ??= this.#work();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#commands = [];
    this.#next = this.#bytes = 0;
  }

  #recordAll(): void {
    while (this.#next < this.#commands.length) this.#commands[this.#next++].record();
    this.clear();
  }

  async #work(): Promise<void> {
    try {
      while (this.#next < this.#commands.length) {
        const { blocks, program, record } = this.#commands[this.#next];
        const wanting = blocks.find((block) => isWanting(block));
        if (program?.open === true || blocks.some(({ outcome }) => outcome.open)) await this.#faults.conclude();
        else if (wanting !== undefined) await this.#renew(wanting);
        else {
          this.#next++;
          record();
        }
      }
    } finally {
      this.clear();
      this.#emptied = undefined;
    }
  }

  async #renew(block: Block): Promise<void> {
    await this.#reclaim(new Set(this.#commands.slice(this.#next).flatMap(({ blocks }) => blocks)));
    if (!this.isEmpty && isWanting(block)) block.pool?.renew(block);
  }
}
