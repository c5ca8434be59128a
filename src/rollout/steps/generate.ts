import { JwtrotError } from '../../keyset/basics/error.js';
import type { NewKey } from '../../keyset/manifest/key.js';
import type { WrappedKey } from '../../keyset/manifest/wrapped-key.js';
import type { ActionOf } from '../../keyset/planning/action.js';
import { named, outcome } from '../../keyset/planning/outcome.js';
import { activeKeyBeingRetired, incidentDeadline } from '../../keyset/questions/incidents.js';
import type { KeyKind } from '../../keyset/questions/key-kind.js';
import { isIncident } from '../../keyset/questions/open-incidents.js';
import { isBeingAdopted } from '../../keyset/transitions/adoption.js';
import { keyOf, putsOver, stored } from '../../keyset/transitions/all.js';
import { assertCacheable } from '../caching.js';
import { PlanAgain } from '../ledger-options.js';
import { inTime } from '../patience.js';
import { block, commit, type Performed, type Run } from '../run.js';
import { storeAnew } from '../store-anew.js';

/** A key that the manifest names and whose secret is not stored yet: as it was wrapped, once. */
interface Unstored {
  readonly key: NewKey;
  readonly wrapped: WrappedKey;
  /** A put of it went unanswered: it may land after another has succeeded, and after the key's deletion too. */
  inDoubt: boolean;
}

/** The key that a run has named and could not store yet. */
const unstoredIn = new WeakMap<Run, Unstored>();

/** Generates and wraps a key, names it in the manifest, stores it. The slow part comes before the lease is taken. */
export async function generate(run: Run, action: ActionOf<'generate'>): Promise<Performed> {
  const { ledger, context } = run;
  try {
    const unstored = unstoredOf(run) ?? (await nameNew(run, action));
    const { key } = unstored;
    ledger.tenure.assertTimeFor('storing the new key', 30_000);
    await put(run, unstored);
    await commit(run, (m, now) => {
      const putsUntil = unstored.inDoubt ? putsOver(m, now.at, now) : null;
      return keyOf(m, key.kid).state === 'creating' ? stored(m, key.kid, putsUntil, now.at) : null;
    });
    forget(run);
    return { kid: key.kid, text: `wrapped by ${context.wrapper.description}` };
  } catch (error) {
    // An incident retries this until its deadline; then the planner decides which other key signs.
    const incident = ledger.manifest !== null && activeKeyBeingRetired(ledger.manifest) !== null;
    if (!incident || !(error instanceof JwtrotError) || (error.kind !== 'store' && error.kind !== 'refused'))
      throw error;
    const { hint = null, kind } = error;
    block(run, 'generate', { message: `no replacement could be made: ${error.message}`, hint, kind });
    return {};
  }
}

async function put(run: Run, unstored: Unstored): Promise<void> {
  const { context } = run;
  const earlier = unstored.inDoubt;
  unstored.inDoubt = true;
  const { inDoubt } = await beforeDeadline(run, context.store.description, () =>
    context.store.putKey(context.name, unstored.key.thumbprint, unstored.wrapped),
  );
  unstored.inDoubt = earlier || inDoubt;
}

async function nameNew(run: Run, action: ActionOf<'generate'>): Promise<Unstored> {
  const { context } = run;
  if (!action.isReplacement) await assertCacheable(run, null);
  const made = await beforeDeadline(run, context.wrapper.description, (givenUp) => makeKey(run, action.kind, givenUp));
  await commit(run, (m, now) => {
    // A commit that was believed lost has landed since: its key is waiting, and comes first. The planner sees it now.
    const another = action.isReplacement && m.keys.some((key) => key.state === 'pending');
    if (another) throw new PlanAgain();
    return named(m, action, made.key, now.at);
  });
  // If its put fails in an incident, that put is tried again: no other key is made, and this one is not given up.
  unstoredIn.set(run, made);
  run.blocked.add(`key ${made.key.kid}`);
  return made;
}

/** The key that this run has named and could not store yet. A retry puts the same bytes and makes no further key. */
function unstoredOf(run: Run): Unstored | null {
  const { manifest } = run.ledger;
  const unstored = unstoredIn.get(run) ?? null;
  const kid = unstored?.key.kid;
  const isWaiting = manifest?.keys.some((one) => one.kid === kid && one.state === 'creating');
  return isWaiting && manifest?.rollout?.kid === kid ? unstored : null;
}

/** Ends the retries for a key that is stored, or no longer wanted: that one is given up like any unfinished key. */
export function forget(run: Run): void {
  const unstored = unstoredIn.get(run);
  if (unstored !== undefined) run.blocked.delete(`key ${unstored.key.kid}`);
  unstoredIn.delete(run);
}

/** In an incident a call to KMS or the store is given up at the deadline. */
function beforeDeadline<T>(
  { ledger, context: { clock } }: Run,
  whose: string,
  work: (givenUp?: AbortSignal) => Promise<T>,
): Promise<T> {
  const now = clock.monotonic();
  const left = (incidentDeadline(ledger.manifest) ?? 0) - clock.now();
  // After the deadline, or without an incident, the run's patience bounds the call; without patience, its adapter does.
  const end = left > 0 ? now + left : (ledger.patience?.end() ?? null);
  return end === null ? work() : inTime(clock, end, whose, work);
}

async function makeKey(run: Run, { alg, modulusLength }: KeyKind, givenUp?: AbortSignal): Promise<Unstored> {
  const { context } = run;
  const { publicJwk, thumbprint, privateKey } = await context.generateKey(
    alg,
    modulusLength ?? context.policy.modulusLength,
  );
  try {
    const wrapped = await context.wrapper.wrap(privateKey, { keyset: context.name, kid: thumbprint, alg }, givenUp);
    return { key: { kid: thumbprint, thumbprint, alg, publicJwk, hasPrivate: true }, wrapped, inDoubt: false };
  } finally {
    privateKey.fill(0);
  }
}

/** A run died between naming a key and storing it. If its secret is there, whole, it goes on; else it is given up. */
export async function recover(run: Run, action: ActionOf<'recover'>): Promise<Performed> {
  const { ledger, context } = run;
  const { kid } = action;
  // The lease comes first: while its former owner lives, the put may be under way.
  await ledger.hold();
  const key = keyOf(ledger.known, kid);
  let secret: WrappedKey | null;
  try {
    secret = await beforeDeadline(run, context.store.description, () =>
      context.store.getKey(context.name, key.thumbprint),
    );
  } catch (error) {
    // An incident does not wait for a key that may be of no use: another one replaces the leaked key.
    const isUrgent = isIncident(ledger.known);
    if (!isUrgent || !(error instanceof JwtrotError) || error.kind !== 'store') throw error;
    const message = `v${key.version} ${kid} was left unfinished: ${error.message}`;
    block(run, `key ${kid}`, { message, hint: error.hint ?? null, kind: 'store' });
    return {};
  }
  const whole = secret !== null && secret.kid === kid && secret.alg === key.alg;
  const isImport = isBeingAdopted(key);
  const isStored = whole || (isImport && secret === null && (await storeAnew(context, key)) !== null);
  if (isImport && !isStored) throw unfinishedImport(run, kid);
  await commit(run, (m, now) => {
    if (keyOf(m, kid).state !== 'creating') return null;
    const putsUntil = putsOver(m, ledger.tenure.formerLeaseEnd, now);
    return outcome(m, action, now, { isStored, putsUntil });
  });
  if (isImport) return { text: 'its secret is stored: imported' };
  const isKept = keyOf(ledger.known, kid).state !== 'retired';
  return { text: isKept ? 'its secret is stored' : 'its secret was never stored: given up' };
}

/** Its tokens are in use: a key in its place would have them rejected. */
function unfinishedImport({ context }: Run, kid: string): JwtrotError {
  return new JwtrotError(
    'refused',
    'import-unfinished',
    `the import of ${kid} into keyset ${context.name} was not finished: its private key is not in ${context.store.description}; nothing was changed`,
    {
      hint: `run jwtrot import again; to have a new key instead of it, and its tokens rejected: jwtrot retire --kid ${kid}`,
    },
  );
}
