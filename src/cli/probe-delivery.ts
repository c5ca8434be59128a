import { holdsWanted } from '../keyset/published/differences.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import { activeKey } from '../keyset/questions/keys.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';
import { outletsOf } from './outlets.js';
import type { KeysetStatus } from './output/keyset-status.js';

/** Asks each deliver command's `holds`. @returns what does not hold the active key, for a person */
export async function lostDeliveries(
  opened: Opened,
  all: readonly KeysetStatus[],
  environment: Environment,
): Promise<string[]> {
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

function lostIn({ outlet, keys, problem }: Holding, keyset: string, kid: string | null): string {
  if (problem !== undefined) return `keyset ${keyset}: ${problem}`;
  if (kid === null) return `keyset ${keyset}: ${outlet} still holds a key, and none is active`;
  if (keys === null) return `keyset ${keyset}: ${outlet} holds no key; the active one is ${kid}`;
  return `keyset ${keyset}: ${outlet} does not hold the active key ${kid}, or not all of it`;
}
