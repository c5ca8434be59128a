import type { Deed } from './act.js';
import { ACTS } from './acts.js';
import { FATES, FAULT_KINDS, type Kind } from './kinds.js';
import { Random } from './random.js';
import type { Shape } from './shape.js';

/** The kinds that a seed can be played without. The timer stays: everything else happens to its runs. */
export const SWITCHES: readonly Kind[] = [
  ...FAULT_KINDS,
  ...FATES,
  ...(Object.keys(ACTS) as Deed[]).filter((deed) => deed !== 'timer'),
];

/** Kinds that are switched off or on by hand, whatever the seed says. */
export interface Forced {
  readonly off?: readonly Kind[];
  readonly on?: readonly Kind[];
}

/**
 * The kinds that this seed is played without. If all of them happen, the frequent ones leave no room for faults that
 * need two rare ones in a row (Groce et al., "Swarm Testing", 2012).
 */
export function switchedOff(seed: number, { off = [], on = [] }: Forced = {}): ReadonlySet<Kind> {
  const random = new Random(seed, 'swarm');
  const share = random.pick([0, 0, 0.3, 0.5, 0.7]);
  const chosen = SWITCHES.filter(() => random.chance(share));
  return new Set([...chosen.filter((kind) => !on.includes(kind)), ...off]);
}

/** Of the kinds that can be switched off, those that can happen in this world. */
export function kindsIn({ faults, weights, kills, pauses, reach }: Shape): Kind[] {
  const rates: Partial<Record<Kind, number>> = {
    ...faults,
    ...weights,
    kill: kills,
    pause: pauses,
    stall: reach.stalls,
    orphan: kills,
  };
  return SWITCHES.filter((kind) => (rates[kind] ?? 0) > 0);
}

/** Other deeds take the place of those that are switched off. */
export function withoutDeeds(shape: Shape, off: ReadonlySet<Kind>): Shape {
  const weights = Object.entries(shape.weights).filter(([deed]) => !off.has(deed as Deed));
  return { ...shape, weights: weights.length === 0 ? { timer: 1 } : Object.fromEntries(weights) };
}
