import type { KeysetConfiguration } from '../config/configuration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import {
  isUntold,
  mayBeOld,
  nothingShown,
  type OtherHistory,
  otherHistory,
  outletAhead,
  untoldKids,
} from '../keyset/history/other-history.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import type { Environment } from './environment.js';
import type { Opened } from './open.js';
import { recordsOf } from './state.js';
import type { Suspicion } from './suspicion.js';

/** Null: it is the history that this host knows, or the host knows none, or this user may not read what it knows. */
export async function suspicionOf(
  opened: Opened,
  environment: Environment,
  keyset: KeysetConfiguration,
  manifest: Manifest | null,
): Promise<Suspicion | null> {
  const seen = await compared(opened, environment, keyset, manifest);
  if (seen === null || 'why' in seen) return seen;
  const { record, other } = seen;
  const isDoubtful = opened.store.lag > 0 && (other.why === 'outlet-ahead' || mayBeOld(record, manifest));
  // Load the words only if there is something to say.
  const { describeOther } = await import('../rollout/other-history.js');
  return {
    why: other.why,
    text: describeOther({ other, record, manifest }),
    isDoubtful,
    ...(isUntold(other) ? { untold: other.kid, knownAs: other.knownAs } : {}),
    ...(manifest !== null && isUntold(other) ? { untoldKids: untoldKids(other, record, manifest) } : {}),
  };
}

type Compared = { readonly record: KeysetRecord | null; readonly other: OtherHistory };

async function compared(
  opened: Opened,
  environment: Environment,
  keyset: KeysetConfiguration,
  manifest: Manifest | null,
): Promise<Compared | Suspicion | null> {
  try {
    const record = await recordsOf(opened, environment, keyset.name).read();
    const known = otherHistory(record, manifest);
    const shown = manifest ?? nothingShown(keyset.name);
    const other = known ?? (await outletAhead(record, await outletRecords(opened, environment, keyset), shown));
    return other === null ? null : { record, other };
  } catch (error) {
    if (!(error instanceof JwtrotError) || error.code !== 'record-damaged') return null;
    return { why: 'record-damaged', text: error.message, isDoubtful: false };
  }
}

/**
 * For verbs that print what the store says: they must never hand out a retired key.
 * @throws JwtrotError `other-history`, `record-damaged` (exit 5), `stale-replica` (exit 75): nothing was printed
 */
export async function refuseOther(
  opened: Opened,
  environment: Environment,
  keyset: KeysetConfiguration,
  manifest: Manifest | null,
): Promise<void> {
  const other = await suspicionOf(opened, environment, keyset, manifest);
  if (other === null) return;
  const { refusalOf } = await import('./other-history-refusal.js');
  throw refusalOf(other, keyset.name, opened.store.description);
}

async function outletRecords(opened: Opened, environment: Environment, keyset: KeysetConfiguration) {
  if (keyset.publish.length + keyset.deliver.length === 0) return [];
  const { outletsOf } = await import('./outlets.js');
  return outletsOf(opened, environment, keyset).records(OBSERVE_LIMIT.hurried);
}
