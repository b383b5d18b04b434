// Numbers from what RADV_DEBUG=asm,shaderstats prints of one compute program.

/** Multiply-adds of one line of assembly; RDNA 3 and 4 may issue two in one instruction. */
const multiplyAdds = (line) => (line.match(/\bv_(?:dual_)?(?:fma|fmac|mac|mad|pk_fma)\w*_f(?:32|16)/g) ?? []).length;

/**
 * The inner loops of assembly, from a block to a branch back to it, as numbers of instructions and multiply-adds: those
 * with multiply-adds, and without a loop inside them that has some.
 */
function innerLoops(assembly) {
  const lines = assembly.split("\n");
  const starts = new Map(
    lines.flatMap((line, at) => (/^BB\d+:/.test(line) ? [[line.slice(0, line.indexOf(":")), at]] : [])),
  );
  const loops = lines.flatMap((line, end) => {
    const start = starts.get(/\bs_c?branch\w*\s+(BB\d+)/.exec(line)?.[1]);
    return start !== undefined && start <= end ? [{ start, end, instructions: 0, multiplyAdds: 0 }] : [];
  });
  loops.sort((a, b) => a.end - a.start - (b.end - b.start));
  for (const [at, line] of lines.entries()) {
    const inner = /^\t[a-z]/.test(line) && loops.find(({ start, end }) => start <= at && at <= end);
    if (!inner) continue;
    inner.instructions++;
    inner.multiplyAdds += multiplyAdds(line);
  }
  const some = loops.filter((loop) => loop.multiplyAdds > 0);
  const holds = (outer, loop) => outer !== loop && outer.start <= loop.start && loop.end <= outer.end;
  return some.filter((outer) => !some.some((loop) => holds(outer, loop)));
}

/** Loops with fewer multiply-adds than this part of those of the largest loop load or reduce. */
const MAIN = 1 / 2;

/**
 * Registers of an invocation and how many are spilled, bytes of scratch memory of a wave and of workgroup memory, waves
 * a SIMD, and the share in percent of multiply-adds among the instructions of the main inner loops; undefined
 * where Mesa has no disassembler for the family.
 */
export function statisticsOf(text) {
  const number = (name) => {
    const found = new RegExp(`^${name}: (\\d+)`, "m").exec(text);
    if (found === null) throw new Error(`the compiler did not say "${name}"`);
    return Number(found[1]);
  };
  const assembly = text.slice(text.lastIndexOf("disasm:"));
  const loops = innerLoops(assembly);
  const largest = Math.max(...loops.map((loop) => loop.multiplyAdds));
  const main = loops.filter((loop) => loop.multiplyAdds >= MAIN * largest);
  const sum = (name) => main.reduce((all, loop) => all + loop[name], 0);
  return {
    registers: number("VGPRs"),
    spilled: number("Spilled VGPRs"),
    scratch: number("Scratch size"),
    lds: number("LDS size"),
    waves: number("Subgroups per SIMD"),
    share: main.length === 0 ? undefined : Math.round((100 * sum("multiplyAdds")) / sum("instructions")),
  };
}
