import type { Duration } from '../keyset/basics/clock.js';
import type { Surroundings } from './surroundings.js';

/** `kid`: of a token. `trust`: what is held is too old; strangers must not use up its slot. */
export type Missed = 'kid' | 'trust';

/**
 * Tokens that wait for one read cost about 5 kB each, and anybody can send them. More than any service checks in the time
 * that a read takes.
 */
const MOST_WAITING = 4_000;

export interface LoadRules {
  /** Misses of either sort cause at most one load in this time. */
  readonly cooldown: Duration;
  /** Reads the source once. Never rejects. */
  readonly load: () => Promise<void>;
}

/**
 * Which loads run when. One runs at a time. A reload that is asked for during a load starts another after it, since what
 * was read before the request may be the old state. Misses share the load that is under way, and start one of their own
 * once per cool-down: the slot is taken before the load and is not given back, whatever the load finds. Otherwise
 * strangers with made-up kids could have the source asked without end.
 */
export class Loads {
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  readonly #freeAt: Record<Missed, number> = { kid: Number.NEGATIVE_INFINITY, trust: Number.NEGATIVE_INFINITY };
  readonly #waiting: Record<Missed, number> = { kid: 0, trust: 0 };
  readonly #rules: LoadRules;
  readonly #clock: Pick<Surroundings, 'monotonic'>;

  constructor(rules: LoadRules, clock: Pick<Surroundings, 'monotonic'>) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** A load that begins after this call. */
  reload(): Promise<void> {
    if (this.#running === null) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#start();
    });
    return this.#next;
  }

  /**
   * Returns at once if too many wait already.
   * @param isMet whether what was missed is there now
   */
  async miss(what: Missed, isMet: () => boolean): Promise<void> {
    if (this.#waiting[what] >= MOST_WAITING) return;
    this.#waiting[what] += 1;
    try {
      await this.#missed(what, isMet);
    } finally {
      this.#waiting[what] -= 1;
    }
  }

  async #missed(what: Missed, isMet: () => boolean): Promise<void> {
    if (this.#running !== null) {
      await this.#running;
      if (isMet()) return;
    }
    // Of many that waited, one takes the slot and the others wait for its load.
    if (this.#running !== null) return this.#running;
    const now = this.#clock.monotonic();
    if (now < this.#freeAt[what]) return;
    this.#freeAt[what] = now + this.#rules.cooldown;
    return this.#start();
  }

  #start(): Promise<void> {
    // Asked again before the load under way has ended: `then` of that load runs first.
    if (this.#running !== null) return this.#running;
    this.#running = this.#rules.load().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }
}
