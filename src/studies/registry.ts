import { convergence } from "./convergence/study.js";
import { dissect } from "./dissect/study.js";
import { dynamics } from "./dynamics/study.js";
import { elliptical } from "./elliptical/study.js";
import { freeze } from "./freeze/study.js";
import { pathfinder } from "./pathfinder/study.js";
import { potts } from "./potts/study.js";
import { relevance } from "./relevance/study.js";
import type { Study } from "./runner/study.js";
import { symmetric } from "./symmetric/study.js";
import { text } from "./text/study.js";
import { transplant } from "./transplant/study.js";
import { wavefunction } from "./wavefunction/study.js";

/** All studies; command line, help, merging and tests use this list. */
export const studies = [
  convergence,
  dissect,
  dynamics,
  elliptical,
  freeze,
  pathfinder,
  potts,
  relevance,
  symmetric,
  text,
  transplant,
  wavefunction,
] as unknown as readonly Study[];
