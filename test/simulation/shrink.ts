import { performance } from 'node:perf_hooks';
import { ddmin } from './ddmin.js';
import { partsOf } from './parts.js';
import { type Broken, type Replay, type SeedResult, shapeOfReplay, simulate } from './simulate.js';

/** A failing seed, reduced to as little as still fails. */
export interface Shrunk {
  readonly replay: Replay & { readonly only: ReadonlySet<string>; readonly without: readonly string[] };
  readonly result: SeedResult;
  /** How many events it had before. */
  readonly from: number;
  readonly replays: number;
  /** True: nothing was left to try. False: its time was over. */
  readonly isDone: boolean;
}

/** The broken invariant, in words that do not depend on a key, an instance or a time. */
export function signatureOf({ invariant, what }: Broken): string {
  // For these, one name stands for many faults.
  if (invariant !== 'I7' && invariant !== 'unforeseen') return invariant;
  const [head = ''] = what.split('\n');
  return `${invariant}: ${head.replace(/:.*/, '').replace(/\S*\d\S*/g, '#')}`;
}

/** @param limit milliseconds of real time @returns null when the seed does not fail */
export async function shrink(seed: number, replay: Replay = {}, limit = 120_000): Promise<Shrunk | null> {
  const first = await simulate(seed, replay);
  if (first.broken[0] === undefined) return null;
  const search = new Search(seed, replay, first, performance.now() + limit);
  await search.run();
  const kept = { ...replay, only: new Set(search.best.events.keys()), without: search.without };
  const result = await simulate(seed, { ...kept, verbose: true });
  return { replay: kept, result, from: countOf(first), replays: search.replays, isDone: search.isDone };
}

/** Time that passes is no event. */
export function countOf({ events }: SeedResult): number {
  return [...events.values()].filter((kind) => kind !== 'wait').length;
}

class Search {
  best: SeedResult;
  without: readonly string[];
  replays = 0;
  isDone = true;
  readonly #signature: string;

  constructor(
    readonly seed: number,
    readonly replay: Replay,
    first: SeedResult,
    readonly ends: number,
  ) {
    this.best = first;
    this.without = replay.without ?? [];
    this.#signature = signatureOf(first.broken[0] as Broken);
  }

  async run(): Promise<void> {
    for (let before = -1; before !== this.#size() && this.isDone; ) {
      before = this.#size();
      await this.#parts();
      await this.#events((name) => /^\d+$/.test(name));
      await this.#events((name) => !/w$/.test(name));
      await this.#events((name) => /w$/.test(name));
    }
  }

  #size(): number {
    return this.best.events.size - this.without.length;
  }

  async #parts(): Promise<void> {
    for (const part of partsOf(shapeOfReplay(this.seed, { ...this.replay, without: this.without })))
      await this.#attempt([...this.best.events.keys()], [...this.without, part]);
  }

  /** Leaves out as many of the chosen events as possible. A deed takes along the events that depend on it. */
  async #events(isMeant: (name: string) => boolean): Promise<void> {
    const all = [...this.best.events.keys()];
    await ddmin(all.filter(isMeant), async (some) => {
      const kept = new Set(some);
      const stays = (name: string) => (isMeant(name) ? kept.has(name) : true);
      const names = [...this.best.events.keys()].filter(stays);
      const found = await this.#attempt(names, this.without);
      return found && [...found.events.keys()].filter(isMeant);
    });
  }

  async #attempt(only: readonly string[], without: readonly string[]): Promise<SeedResult | null> {
    if (performance.now() > this.ends) {
      this.isDone = false;
      return null;
    }
    this.replays += 1;
    const result = await simulate(this.seed, { ...this.replay, only: new Set(only), without });
    const [broken] = result.broken;
    if (broken === undefined || signatureOf(broken) !== this.#signature) return null;
    this.best = result;
    this.without = without;
    return result;
  }
}
