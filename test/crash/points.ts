import { readFileSync } from 'node:fs';
import type { Ran, Running } from '../e2e/world.js';
import type { Keeping } from './keeping.js';
import type { Scenario } from './scenarios.js';
import type { Held } from './services.js';
import type { Site } from './site.js';

/** Where a run is killed, whatever its store: at a call to the file system or a program's start, at a request to a
 * service, or some time. */
export type LocalPoint = { readonly name: string } & (
  | { readonly call: string }
  | { readonly request: number; readonly how: Held }
  | { readonly ms: number }
);

/** What a run does that nobody disturbs. */
export interface Undisturbed {
  readonly code: number | null;
  /** See `preload.cjs`. */
  readonly calls: readonly string[];
  readonly took: number;
}

export async function undisturbed<K extends Keeping>(site: Site<K>, scenario: Scenario): Promise<Undisturbed> {
  await site.restore();
  const list = site.world.path('calls');
  const began = Date.now();
  const { code } = await site.start(await scenario.args(site), { call: `count:${list}` }).ended;
  const took = Date.now() - began;
  return { code, calls: readFileSync(list, 'utf8').trimEnd().split('\n'), took };
}

/** What is another in each run or at each site: kids, ids of commits, the random part of a temporary name, the site's folder. */
const RANDOM = /jwtrot-e2e-\w+|[\w-]{36,}|[0-9a-f]{12,}/;

/**
 * Calls of one kind are counted by themselves: that a run polls once more than another one shifts none of the others.
 * @returns the pattern of its kind, and the how many-th of that kind it is
 */
function placeOf(calls: readonly string[], i: number): string {
  const parts = (calls[i] ?? '').split(RANDOM).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = `^${parts.join('[\\w-]+')}$`;
  const kind = new RegExp(pattern);
  return `${calls.slice(0, i + 1).filter((call) => kind.test(call)).length} ${pattern}`;
}

/** A read leaves behind what the call before it did; a change is there, is not, or is there in part. */
export function callPoints(calls: readonly string[], which: RegExp): LocalPoint[] {
  return calls.flatMap((call, i): LocalPoint[] => {
    if (!which.test(call)) return [];
    const ways = call.startsWith('!') ? ['before', 'after'] : ['before'];
    if (call.startsWith('! writeFile')) ways.push('torn');
    return ways.map((how) => ({ name: `${how} ${i + 1} ${call}`, call: `${how}:${placeOf(calls, i)}` }));
  });
}

/** Reloads and looks at services: nothing is done, or it is done, and nobody hears of it. */
export function requestPoints(count: number): LocalPoint[] {
  return Array.from({ length: count }, (_, i) => i + 1).flatMap((request) =>
    (['before', 'after'] as const).map((how) => ({ name: `${how} request ${request}`, request, how })),
  );
}

/** Starts the run and has it killed at the point. @returns when it has ended or is to be killed now */
export async function startUntil<K extends Keeping>(
  site: Site<K>,
  scenario: Scenario,
  point: LocalPoint,
): Promise<Running> {
  const running = site.start(await scenario.args(site), 'call' in point ? { call: point.call } : {});
  if ('request' in point) await Promise.race([site.services.hold(point.request, point.how), running.ended]);
  if ('ms' in point) await new Promise((resolve) => setTimeout(resolve, point.ms));
  if (!('call' in point)) running.child.kill('SIGKILL');
  return running;
}

/** `jwtrot retire` is two processes: the one that watches over the one that was killed lives on, and says so. */
export function wasKilled({ signal, stderr }: Ran): boolean {
  return signal === 'SIGKILL' || stderr.includes('was ended by SIGKILL');
}
