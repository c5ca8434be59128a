import type { KeysetResult } from '../../src/rollout/rotate.js';
import type { Operators } from './operators.js';
import { PublishPlace } from './outlet.js';
import type { World } from './world.js';

/** The command at the end of a hint that gives a key up. While a back-off holds the rollout, `--force` follows. */
const GIVE_UP = /jwtrot retire --kid ([^\s;]+)( --reason superseded)?(; then jwtrot rotate --force)?$/;
/** `rm FILE`, at the end of a hint. */
const REMOVE = /\brm ([^\s;]+)(; then jwtrot rotate --force)?$/;

/**
 * Operators do what the hints of a run on the first host, and of the newest `sync` on the second one, say: remove
 * files, take a key away, recover the store, take it over. @returns whether there was anything
 */
export async function followHints(operators: Operators, { problems, error }: KeysetResult): Promise<boolean> {
  const { world, hints } = operators;
  const said = [...problems, ...(error !== null && 'hint' in error ? [error] : [])].map(({ hint }) => String(hint));
  const toldBySync = hints.get(world.hosts[1]) ?? [];
  hints.delete(world.hosts[1]);
  const here = await follow(operators, 0, said);
  return (await follow(operators, 1, toldBySync)) || here;
}

async function follow(operators: Operators, host: 0 | 1, hints: readonly string[]): Promise<boolean> {
  const { world } = operators;
  const files = hints.flatMap((hint) => REMOVE.exec(hint)?.[1] ?? []);
  for (const file of files) remove(world, host, file);
  const takesAway = hints.some((hint) => hint.startsWith('take it away by hand'));
  if (takesAway) for (const place of world.outlets[host].deliver) if (place.isCommand) place.put(null);
  const recovers = hints.some((hint) => hint.includes('jwtrot store recover'));
  if (recovers) await operators.until(operators.recover(world.hosts[host]));
  const takesOver = hints.some((hint) => hint.includes('jwtrot rotate --take-over'));
  // The refusal prints the newest event; an operator knows whether that is the newest.
  if (takesOver && world.store.isSetBack) await operators.until(operators.recover(world.hosts[host]));
  if (takesOver) await operators.run({ takeOver: true }, world.hosts[host]);
  // A restored store may lack a secret for good: then its key is given up.
  const kid = hints.map((hint) => GIVE_UP.exec(hint)?.[1]).find((one) => one !== undefined);
  // Unless a recovery has found its private half.
  const isOpen = world.store.manifest?.keys.some((key) => key.kid === kid && key.activatedAt === null);
  const isUntold = hints.some((hint) => hint.startsWith('tell it: '));
  if (kid !== undefined && (isOpen === true || isUntold)) await operators.until(operators.retire(kid));
  return recovers || takesOver || kid !== undefined || takesAway || files.length > 0;
}

function remove(world: World, host: 0 | 1, file: string): void {
  const { publish, deliver } = world.outlets[host];
  world.log(() => `rm ${file}`);
  for (const place of [...publish, ...deliver]) {
    if (file === `${place.label}.jwtrot`) place.record = null;
    if (file !== place.label) continue;
    // For a command, that is what it was given, and it goes on publishing.
    if (place instanceof PublishPlace && place.outlet.type === 'command')
      place.given = { kids: null, settled: false, until: null };
    else if (place instanceof PublishPlace) place.set([], { absent: true, takenAway: world.tokens.inUse() });
    else place.put(null);
  }
}
