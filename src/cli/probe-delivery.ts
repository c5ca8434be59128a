import { holdsWanted } from '../keyset/published/differences.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { activeKey } from '../keyset/questions/keys.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';
import { outletsOf } from './outlets.js';
import type { KeysetStatus } from './output/keyset-status.js';

/** For a person: an outlet that does not hold the active key, and what to do about it. */
interface Lost {
  readonly message: string;
  readonly hint: string;
}

/** Asks each deliver command's `holds`. @returns those that do not hold the active key */
export async function lostDeliveries(
  opened: Opened,
  all: readonly KeysetStatus[],
  environment: Environment,
): Promise<Lost[]> {
  const found = all.map(async ({ keyset, manifest }) => {
    const deliver = keyset.deliver.filter((outlet) => outlet.type === 'command');
    if (manifest === null || deliver.length === 0) return [];
    const outlets = outletsOf(opened, environment, { ...keyset, publish: [], deliver });
    const holdings = await outlets.observe(OBSERVE_LIMIT.usual);
    const kid = activeKey(manifest)?.kid ?? null;
    return holdings.filter((one) => !holdsWanted(one, manifest)).map((one) => lostIn(one, keyset.name, kid));
  });
  return (await Promise.all(found)).flat();
}

function lostIn({ outlet, keys, problem }: Holding, keyset: string, kid: string | null): Lost {
  const lost = (what: string, hint = 'to put it there again: jwtrot rotate') => ({
    message: `keyset ${keyset}: ${what}`,
    hint,
  });
  if (problem !== undefined)
    return lost(problem, 'run its holds by hand: it must print the kid of the key that is there');
  // Never to be put there again: it may be the one that leaked.
  if (kid === null) return lost(`${outlet} still holds a key, and none is active`, TAKE_AWAY);
  if (keys === null) return lost(`${outlet} holds no key; the active one is ${kid}`);
  return lost(`${outlet} does not hold the active key ${kid}, or not all of it`);
}

const TAKE_AWAY = 'take it away by hand, so that its holds prints nothing; then: jwtrot rotate';
