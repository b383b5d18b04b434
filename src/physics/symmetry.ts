import { having, listOf, numbers, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { checkDivisor, coordinatesOf, latticeKind, siteAt, type Lattice } from "./lattice.js";

/** σ'_i = sign · σ_{sites[i]}: sites change places, and all spins may flip. */
export interface Symmetry {
  readonly sites: readonly number[];
  readonly flip: boolean;
}

export const symmetryKind = having<Symmetry>("a symmetry, as translations(lattice) gives", ["sites", "flip"]);
const symmetries = listOf(symmetryKind, "a symmetry");

/** A group with one character χ(g), ±1, for each of its elements. */
export interface Representation {
  readonly elements: readonly Symmetry[];
  readonly characters: readonly number[];
}

const moved = (lattice: Lattice, where: (coordinates: readonly number[]) => readonly number[]): Symmetry => ({
  sites: Array.from({ length: lattice.sites }, (_, site) => siteAt(lattice, where(coordinatesOf(lattice, site)))),
  flip: false,
});

/** Every translation by multiples of `step` sites along each axis. */
export function translations(lattice: Lattice, step = 1): Symmetry[] {
  checkArguments("translations", { lattice, step }, { lattice: latticeKind, step: whole(1) });
  checkDivisor("translations", "step", lattice, step);
  const counts: Lattice = { extents: lattice.extents.map((extent) => extent / step), sites: lattice.sites / step ** lattice.extents.length };
  return Array.from({ length: counts.sites }, (_, index) => {
    const shift = coordinatesOf(counts, index);
    return moved(lattice, (coordinates) => coordinates.map((coordinate, axis) => coordinate + step * shift[axis]));
  });
}

/**
 * Translations by less than b sites along each axis: with those by whole patches, `translations(lattice, b)`, they make all translations. A sum over
 * them projects what is invariant under the latter.
 */
export function shiftsWithin(lattice: Lattice, b: number): Symmetry[] {
  checkArguments("shiftsWithin", { lattice, b }, { lattice: latticeKind, b: whole(1) });
  checkDivisor("shiftsWithin", "b", lattice, b);
  return translations(lattice).filter((_, index) => coordinatesOf(lattice, index).every((shift) => shift < b));
}

/** Reflections of each axis and, on a lattice as wide as high, of the diagonal, with their products: 2, 4 or 8 elements about site 0. */
export function pointGroup(lattice: Lattice): Symmetry[] {
  checkArguments("pointGroup", { lattice }, { lattice: latticeKind });
  const dimension = lattice.extents.length;
  const swaps = dimension === 2 && lattice.extents[0] === lattice.extents[1] ? [false, true] : [false];
  return swaps.flatMap((swap) =>
    Array.from({ length: 2 ** dimension }, (_, signs) =>
      moved(lattice, (coordinates) => {
        const reflected = coordinates.map((coordinate, axis) => ((signs >> axis) & 1 ? -coordinate : coordinate));
        return swap ? reflected.reverse() : reflected;
      }),
    ),
  );
}

/** The identity and the flip of all spins. */
export function spinFlip(lattice: Lattice): Symmetry[] {
  checkArguments("spinFlip", { lattice }, { lattice: latticeKind });
  const { sites } = moved(lattice, (coordinates) => coordinates);
  return [false, true].map((flip) => ({ sites, flip }));
}

/** Every product of an element of `first` and one of `second`. */
export function productOf(first: readonly Symmetry[], second: readonly Symmetry[]): Symmetry[] {
  checkArguments("productOf", { first, second }, { first: symmetries, second: symmetries });
  return first.flatMap((a) => second.map((b) => ({ sites: a.sites.map((site) => b.sites[site]), flip: a.flip !== b.flip })));
}

/** The images of configurations, spins ±1 of shape [rows, sites]: [elements, rows, sites]. */
export function imagesOf(spins: Int8Array, elements: readonly Symmetry[]): Int8Array {
  checkArguments("imagesOf", { spins, elements }, { spins: numbers, elements: symmetries });
  const images = new Int8Array(spins.length * elements.length);
  elements.forEach(({ sites, flip }, element) => {
    const start = element * spins.length;
    for (let at = 0; at < spins.length; at++) {
      const site = at % sites.length;
      const spin = spins[at - site + sites[site]];
      images[start + at] = flip ? -spin : spin;
    }
  });
  return images;
}
