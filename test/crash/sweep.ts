import { SCENARIOS, type Scenario } from './scenarios.js';
import type { Site } from './site.js';

/** `all`: every point, as in `npm run test:crash`. `1/8`: each eighth; `3/8`: those that follow two later. Else those of `npm test`. */
const ASKED = process.env['JWTROT_CRASH'] ?? '';
const [, NTH = '1', OF = '0'] = /^(\d+)\/(\d+)$/.exec(ASKED) ?? [];
const STRIDE = ASKED === 'all' ? 1 : Number(OF);
const IS_SWEEP = STRIDE > 0;
export const SWEEP_LIMIT = IS_SWEEP ? 7_200_000 : 240_000;
/** Runs at once, each at a site of its own. */
const SITES = IS_SWEEP ? 4 : 1;

/** Every scenario; in `npm test` each stands with one of the two stores, in turn. */
export function scenariosWith(store: 'directory' | 'aws'): readonly Scenario[] {
  return IS_SWEEP ? SCENARIOS : SCENARIOS.filter((_, i) => (i % 2 === 0) === (store === 'directory'));
}

/** `count` of them, spread and always the same, unless more were asked for. */
export function sample<T>(points: readonly T[], count: number): readonly T[] {
  if (IS_SWEEP) {
    return points.filter((_, i) => i % STRIDE === (Number(NTH) - 1) % STRIDE);
  }
  // From the middle of each stretch: the very first call is the least interesting.
  const stretch = points.length / count;
  return points.filter((_, i) => Math.floor((i + 0.5) / stretch + 0.5) > Math.floor((i - 0.5) / stretch + 0.5));
}

/** Counts what was tried, and says so at the end: no point is to be left out unseen. */
export class Count {
  #points = 0;
  #tried = 0;
  #instants = 0;

  constructor(private readonly store: string) {}

  add(scenario: string, points: number, tried: number, instants: number): void {
    this.#points += points;
    this.#tried += tried;
    this.#instants += instants;
    console.log(`${this.store}, ${scenario}: ${tried} of ${points} points, ${instants} random instants`);
  }

  total(): void {
    console.log(`${this.store}, in all: ${this.#tried} of ${this.#points} points, ${this.#instants} random instants`);
  }
}

/** Instants of a run that takes so long, and a little after it: `count`, unless more were asked for. */
export function randomInstants(count: number, took: number): { name: string; ms: number }[] {
  return Array.from({ length: IS_SWEEP ? Math.ceil(50 / STRIDE) : count }, () => {
    const ms = Math.floor(Math.random() * took * 1.1);
    return { name: `after ${ms} ms`, ms };
  });
}

/** A few sites that stand where the scenario begins. */
export async function withSites<S extends Site>(
  scenario: Scenario,
  open: () => Promise<S>,
  use: (sites: readonly [S, ...S[]]) => Promise<void>,
): Promise<void> {
  const prepared = async () => {
    const site = await open();
    await scenario.prepare(site);
    return site;
  };
  const [first, ...rest] = await Promise.all([prepared(), ...Array.from({ length: SITES - 1 }, prepared)]);
  const sites: [S, ...S[]] = [first, ...rest];
  try {
    await use(sites);
  } finally {
    await Promise.all(sites.map((site) => site.close()));
  }
}

/** Tries each point at one of the sites, several at once. @returns by point, what was not as it must be */
export async function sweep<P extends { readonly name: string }, S extends Site>(
  sites: readonly S[],
  points: readonly P[],
  attempt: (site: S, point: P) => Promise<readonly string[]>,
): Promise<Record<string, readonly string[]>> {
  const problems: Record<string, readonly string[]> = {};
  const queue = [...points];
  const work = async (site: S) => {
    for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
      const found = await attempt(site, point);
      if (found.length > 0) problems[point.name] = found;
    }
  };
  await Promise.all(sites.map(work));
  return problems;
}
