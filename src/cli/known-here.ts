import { type Witness, witness } from '../keyset/history/renamed.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { KeyInOutlet } from '../outlets/outlet.js';
import type { KeysetContext } from '../rollout/context.js';

export interface KnownHere extends Witness {
  readonly keys: readonly KeyInOutlet[];
}

/** What this host and its outlets know. A record that can't be read tells nothing. @param kid of a key that is looked for */
export async function knownHere({ records, outlets }: KeysetContext, kid?: string): Promise<KnownHere> {
  const [record, keys] = await Promise.all([
    records.read().catch(() => null),
    outlets.keys(OBSERVE_LIMIT.hurried, kid),
  ]);
  return { ...witness(record, keys), keys };
}
