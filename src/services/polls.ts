import { type Duration, SECOND } from '../keyset/basics/clock.js';

/** Each poll of `type: token` is a login, and services limit those. */
const MOST_LOGINS = 20;
/** Of these, kept for a last look in the same phase. */
const KEPT = 6;
/** Why an instance is not polled any more. */
export const SPENT = 'it is not asked for more tokens in this step: it may limit logins';
const LOGIN_FIRST: Duration = 2 * SECOND;
/** Names are unique within a service. */
interface Instance {
  readonly name: string;
}

/** How often each instance may still be polled in a phase of a rollout. */
export interface Polls {
  /** The phase that begins, or goes on. */
  phase(name: string): void;
  /** @param isLast a last look, for which some are kept */
  isSpent(instance: Instance, isLast: boolean): boolean;
  /** Counts one. */
  add(instance: Instance): void;
}

export function limitedPolls(): Polls {
  const phases = new Map<string, Map<string, number>>();
  let now = new Map<string, number>();
  return {
    phase(name) {
      now = phases.get(name) ?? new Map();
      phases.set(name, now);
    },
    isSpent: ({ name }, isLast) => (now.get(name) ?? 0) >= MOST_LOGINS - (isLast ? 0 : KEPT),
    add({ name }) {
      now.set(name, 1 + (now.get(name) ?? 0));
    },
  };
}

/** The first three logins come two seconds apart, the others at times that grow evenly. */
const EVEN_AFTER: Duration = 3 * LOGIN_FIRST;
const GROWING = MOST_LOGINS - KEPT - 3;

/**
 * The time until the next login: a third of the time waited so far. Where the deadline is long it is more, so that the
 * logins that a phase may have are spread over all of it.
 * @param waited since the first reload ended
 * @param random 0 <= x < 1, for jitter of up to 20 %
 */
export function loginInterval(waited: Duration, deadline: Duration, random: number): Duration {
  const share = Math.max(1 / 3, (deadline / EVEN_AFTER) ** (1 / GROWING) - 1);
  return Math.max(LOGIN_FIRST, waited * share) * (1 + 0.2 * random);
}
