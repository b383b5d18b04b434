import { ArgumentError } from "../core/errors.js";
import { indices, type Indices } from "../core/indices.js";
import { generator, having, numbers, whole } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Random } from "../core/random.js";

/**
 * The generalised Potts model H = -Σ_{i<j} J_ij U_{s_i s_j} at temperature 1. J is symmetric with a zero diagonal, U
 * is symmetric.
 *
 * Source: Rende, Gerace, Laio & Goldt, arXiv 2304.07235.
 */
export interface PottsModel {
  readonly sites: number;
  readonly colours: number;
  /** J, row-major [sites, sites]. */
  readonly couplings: Float64Array;
  /** U, row-major [colours, colours]. */
  readonly interactions: Float64Array;
}

const modelKind = having<PottsModel>("a Potts model, as randomPotts() gives", [
  "sites",
  "colours",
  "couplings",
  "interactions",
]);

/** A symmetric matrix of normal numbers. */
function symmetric(size: number, random: Random, scale: number, diagonal: boolean): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      if (i === j && !diagonal) continue;
      const value = scale * random.normal();
      matrix[i * size + j] = value;
      matrix[j * size + i] = value;
    }
  }
  return matrix;
}

/**
 * Random interactions U ~ N(0, 1) [colours, colours] and couplings J ~ N(0, 1/sites) [sites, sites], from `random`.
 * With this variance the field at a site does not grow with the number of sites.
 */
export function randomPotts(sites: number, colours: number, random: Random): PottsModel {
  checkArguments("randomPotts", { random }, { random: generator });
  if (!(Number.isInteger(sites) && sites >= 2 && Number.isInteger(colours) && colours >= 2)) {
    throw new ArgumentError({
      where: "randomPotts",
      wanted: "at least two sites and two colours",
      got: `${sites} sites, ${colours} colours`,
    });
  }
  return {
    sites,
    colours,
    couplings: symmetric(sites, random, 1 / Math.sqrt(sites), false),
    interactions: symmetric(colours, random, 1, true),
  };
}

/** H of one `configuration` of `model`, [sites] colours from 0. */
export function pottsEnergy(model: PottsModel, configuration: ArrayLike<number>): number {
  checkArguments("pottsEnergy", { model, configuration }, { model: modelKind, configuration: numbers });
  return energyOf(model, configuration);
}

function energyOf({ sites, colours, couplings, interactions }: PottsModel, configuration: ArrayLike<number>): number {
  let energy = 0;
  for (let i = 0; i < sites; i++) {
    for (let j = 0; j < i; j++)
      energy -= couplings[i * sites + j] * interactions[configuration[i] * colours + configuration[j]];
  }
  return energy;
}

/** The fields on a site, ln p(s_i = a | all other sites) up to a constant [colours], into `fields`. */
function fieldsOn(
  site: number,
  { sites, colours, couplings, interactions }: PottsModel,
  configuration: ArrayLike<number>,
  fields: Float64Array,
): void {
  for (let a = 0; a < colours; a++) {
    let field = 0;
    for (let j = 0; j < sites; j++) field += couplings[site * sites + j] * interactions[a * colours + configuration[j]];
    fields[a] = field;
  }
}

/**
 * The cross entropy of masked prediction of `model` itself on each of `samples` [rows, sites], in nats per site:
 * [rows].
 */
export function conditionalLosses(model: PottsModel, { values, shape: [rows, sites] }: Indices): Float64Array {
  const fields = new Float64Array(model.colours);
  return Float64Array.from({ length: rows }, (_, row) => {
    const configuration = values.subarray(row * sites, (row + 1) * sites);
    let loss = 0;
    for (let site = 0; site < sites; site++) {
      fieldsOn(site, model, configuration, fields);
      loss += Math.log(fields.reduce((sum, field) => sum + Math.exp(field), 0)) - fields[configuration[site]];
    }
    return loss / sites;
  });
}

/** Most configurations that `exactConditional` enumerates. */
const MOST_CONFIGURATIONS = 1e7;

/**
 * p(s_i = a | all other sites) [colours] of `model` for i = `site`, as a sum of the Boltzmann weights of all
 * configurations that agree with `configuration` [sites] on the other sites. It enumerates all colours^sites
 * configurations and does not use the formula of the conditional, so it can verify the formula.
 */
export function exactConditional(model: PottsModel, configuration: ArrayLike<number>, site: number): Float64Array {
  checkArguments(
    "exactConditional",
    { model, configuration, site },
    { model: modelKind, configuration: numbers, site: whole(0) },
  );
  const { sites, colours } = model;
  if (colours ** sites > MOST_CONFIGURATIONS) {
    throw new ArgumentError({
      where: "exactConditional",
      argument: "model",
      wanted: `at most ${MOST_CONFIGURATIONS} configurations`,
      got: `${colours}^${sites}`,
    });
  }
  const weights = new Float64Array(colours);
  const current = new Uint8Array(sites);
  for (let index = 0; index < colours ** sites; index++) {
    for (let place = 0, rest = index; place < sites; place++) {
      current[place] = rest % colours;
      rest = Math.floor(rest / colours);
    }
    if (current.every((colour, place) => place === site || colour === configuration[place]))
      weights[current[site]] += Math.exp(-energyOf(model, current));
  }
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

/** Options of `gibbsSamples`. */
export interface GibbsOptions {
  /** Sweeps over all sites between two draws. Default 5. */
  readonly sweeps?: number;
  /** Sweeps before the first draw. Default 100. */
  readonly burnIn?: number;
}

/**
 * `count` configurations of `model` by Gibbs sampling from `random`, one chain: [count, sites]. Each site in turn gets
 * a colour from its conditional.
 */
export function gibbsSamples(model: PottsModel, count: number, random: Random, options: GibbsOptions = {}): Indices {
  checkArguments("gibbsSamples", { model, count, random }, { model: modelKind, count: whole(1), random: generator });
  const { sweeps = 5, burnIn = 100 } = checkOptions("gibbsSamples", options, { sweeps: whole(1), burnIn: whole(0) });
  const { sites, colours } = model;
  const current = Uint8Array.from({ length: sites }, () => random.integer(colours));
  const weights = new Float64Array(colours);
  const sweep = (): void => {
    for (let i = 0; i < sites; i++) {
      fieldsOn(i, model, current, weights);
      let total = 0;
      for (let a = 0; a < colours; a++) total += weights[a] = Math.exp(weights[a]);
      let left = random.uniform() * total;
      let chosen = 0;
      while (chosen < colours - 1 && (left -= weights[chosen]) >= 0) chosen++;
      current[i] = chosen;
    }
  };
  for (let step = 0; step < burnIn; step++) sweep();
  const drawn = new Int32Array(count * sites);
  for (let draw = 0; draw < count; draw++) {
    for (let step = 0; step < sweeps; step++) sweep();
    drawn.set(current, draw * sites);
  }
  return indices(drawn, [count, sites]);
}
