import { ArgumentError } from "../core/errors.js";
import type { ComplexNumbers } from "./complex.js";
import { coordinatesOf, siteAt, type Lattice } from "./lattice.js";

/** σ'_i = sign · σ_{sites[i]}: sites change places, and all spins may flip. */
export interface Symmetry {
  readonly sites: readonly number[];
  readonly flip: boolean;
}

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
  const wrong = lattice.extents.find((extent) => extent % step !== 0);
  if (wrong !== undefined) {
    throw new ArgumentError({ where: "translations", argument: "step", wanted: `a divisor of the extents [${lattice.extents.join(", ")}]`, got: String(step) });
  }
  const counts: Lattice = { extents: lattice.extents.map((extent) => extent / step), sites: lattice.sites / step ** lattice.extents.length };
  return Array.from({ length: counts.sites }, (_, index) => {
    const shift = coordinatesOf(counts, index);
    return moved(lattice, (coordinates) => coordinates.map((coordinate, axis) => coordinate + step * shift[axis]));
  });
}

/** Reflections of each axis and, on a lattice as wide as high, of the diagonal, with their products: 2, 4 or 8 elements about site 0. */
export function pointGroup(lattice: Lattice): Symmetry[] {
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
  const { sites } = moved(lattice, (coordinates) => coordinates);
  return [false, true].map((flip) => ({ sites, flip }));
}

/** Every product of an element of `first` and one of `second`. */
export function productOf(first: readonly Symmetry[], second: readonly Symmetry[]): Symmetry[] {
  return first.flatMap((a) => second.map((b) => ({ sites: a.sites.map((site) => b.sites[site]), flip: a.flip !== b.flip })));
}

/** The images of configurations, spins ±1 of shape [rows, sites]: [elements, rows, sites]. */
export function imagesOf(spins: Int8Array, elements: readonly Symmetry[]): Int8Array {
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

/**
 * The projection of a wave function on a representation, ψ_χ(σ) = 1/|G| Σ_g χ(g) ψ(gσ), as a logarithm: `logAmplitudes` are log ψ of
 * `imagesOf` the configurations. Where the sum vanishes, the real part is -Infinity.
 */
export function project({ re, im }: ComplexNumbers, { elements, characters }: Representation): ComplexNumbers {
  if (characters.length !== elements.length) {
    throw new ArgumentError({ where: "project", argument: "characters", wanted: `${elements.length}, one an element`, got: String(characters.length) });
  }
  const rows = re.length / elements.length;
  const projected = { re: new Float64Array(rows), im: new Float64Array(rows) };
  for (let row = 0; row < rows; row++) {
    const largest = characters.reduce((most, _, element) => Math.max(most, re[element * rows + row]), -Infinity);
    let [x, y] = [0, 0];
    characters.forEach((character, element) => {
      const at = element * rows + row;
      const size = (character * Math.exp(re[at] - largest)) / elements.length;
      x += size * Math.cos(im[at]);
      y += size * Math.sin(im[at]);
    });
    projected.re[row] = largest + Math.log(Math.hypot(x, y));
    projected.im[row] = Math.atan2(y, x);
  }
  return projected;
}
