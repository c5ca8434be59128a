import type { Kind } from './kinds.js';
import { Random } from './random.js';

/** Which of a seed's events come about. */
export interface Choice {
  /** Kinds that are switched off. */
  readonly off?: ReadonlySet<Kind>;
  /** These events and no others; null or absent: all. */
  readonly only?: ReadonlySet<string> | null;
}

/**
 * The events of a history. Each has its own name, which is the same in every replay: `12` is the thirteenth deed,
 * `12.kill` the end of the run that it starts, `12.store2` that run's second store fault, `12w` the time that passes
 * after.
 */
export class Injected {
  /** Those that came about, by name, in their order. */
  readonly events = new Map<string, Kind>();
  readonly #off: ReadonlySet<Kind>;
  readonly #only: ReadonlySet<string> | null;

  constructor(
    readonly seed: number,
    { off = new Set(), only = null }: Choice = {},
  ) {
    this.#off = off;
    this.#only = only;
  }

  isOff(kind: Kind): boolean {
    return this.#off.has(kind);
  }

  comesAbout(name: string, kind: Kind): boolean {
    if (this.#off.has(kind) || this.#only?.has(name) === false) return false;
    this.events.set(name, kind);
    return true;
  }
}

/** An event that came about, with what its details are drawn from. */
export interface Strike {
  readonly name: string;
  readonly random: Random;
}

/**
 * The randomness of a process, a worker or a deed. Each has streams of its own, by name. So leaving an event out
 * changes nothing that others draw, nor what this one draws for other events.
 */
export class Source {
  readonly #streams = new Map<string, Random>();
  readonly #strikes = new Map<Kind, number>();

  constructor(
    private readonly injected: Injected,
    readonly name: string,
  ) {}

  stream(name: string): Random {
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const made = new Random(this.injected.seed, `${this.name}/${name}`);
    this.#streams.set(name, made);
    return made;
  }

  /** Null: nothing of this kind happens now, or the event is left out. */
  strikes(kind: Kind, rate: number): Strike | null {
    if (rate <= 0 || !this.stream(kind).chance(rate)) return null;
    const count = 1 + (this.#strikes.get(kind) ?? 0);
    this.#strikes.set(kind, count);
    const name = `${this.name}.${kind}${count === 1 ? '' : count}`;
    return this.injected.comesAbout(name, kind) ? { name, random: new Random(this.injected.seed, name) } : null;
  }
}
