import { commandOf } from './options.js';
import { countOf, type Shrunk, shrink } from './shrink.js';
import { type Replay, type SeedResult, simulate } from './simulate.js';
import { count, describe, noSums } from './sums.js';
import { kindsIn, switchedOff } from './swarm.js';
import { SPAN, shapeOfSeed, THEMES, themeOf } from './themes.js';

type Say = (text: string) => void;

/** The theme of this seed, and the kinds that it is played without. */
function head(seed: number, { forced }: Replay): string {
  const off = switchedOff(seed, forced);
  const kinds = kindsIn(shapeOfSeed(seed));
  const names = (some: readonly string[]) => (some.length === 0 ? 'nothing' : some.join(' '));
  return [
    `seed ${seed}, theme ${Math.floor(seed / SPAN)} of ${THEMES.length - 1}: ${themeOf(seed)}`,
    `on: ${names(kinds.filter((kind) => !off.has(kind)))}`,
    `off: ${names(kinds.filter((kind) => off.has(kind)))}`,
  ].join('\n');
}

function tell(result: SeedResult, say: Say): void {
  for (const line of result.history) say(line);
  for (const { invariant, what } of result.broken) say(`seed ${result.seed}: ${invariant}: ${what}`);
}

/** Plays one seed and prints all that happens in it. @returns whether anything was broken */
export async function replay(seed: number, how: Replay, say: Say): Promise<boolean> {
  say(head(seed, how));
  const result = await simulate(seed, { ...how, verbose: true });
  tell(result, say);
  const sums = noSums();
  count(sums, result);
  say(describe(sums, null));
  return result.broken.length > 0;
}

/** The same with the fewest events that break the same invariant. */
export async function replayShrunk(seed: number, how: Replay, say: Say): Promise<boolean> {
  say(head(seed, how));
  const shrunk = await shrink(seed, how, Number.POSITIVE_INFINITY);
  if (shrunk === null) say(`seed ${seed} breaks nothing`);
  else say(describeShrunk(shrunk));
  return shrunk !== null;
}

/** What is left, its history, and the command that plays it. */
export function describeShrunk({ result, replay: how, from, replays, isDone }: Shrunk): string {
  const lines: string[] = [];
  tell(result, (text) => lines.push(`  ${text}`));
  const events = [...result.events].filter(([, kind]) => kind !== 'wait').map(([name, kind]) => `${name} ${kind}`);
  const without = how.without.length === 0 ? '' : `, without ${how.without.join(' ')}`;
  return [
    ...lines,
    `${countOf(result)} of ${from} events are left after ${replays} replays${isDone ? '' : ' (its time was over)'}${without}: ${events.join(', ')}`,
    commandOf(result.seed, how),
  ].join('\n');
}
