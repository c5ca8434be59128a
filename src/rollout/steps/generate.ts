import type { Action, Request } from '../../keyset/action.js';
import { adopted, isBeingAdopted } from '../../keyset/adoption.js';
import type { Algorithm } from '../../keyset/algorithm.js';
import { JwtrotError } from '../../keyset/error.js';
import { activeKeyBeingRetired, incidentDeadline } from '../../keyset/incident.js';
import type { Key, Manifest } from '../../keyset/model.js';
import { stageOptions } from '../../keyset/plan.js';
import { activeKey } from '../../keyset/projection.js';
import { givenUp, keyOf, putsOver, stage, stored } from '../../keyset/transitions.js';
import type { WrappedKey } from '../../keyset/wrapped-key.js';
import { assertCacheable } from '../caching.js';
import { block, type Performed, type Run, type Unstored } from '../run.js';

/** A change of `alg` waits for `--change-alg`: verifiers may pin algorithms. */
function algorithmFor(manifest: Manifest | null, policy: { alg: Algorithm }, request: Request): Algorithm {
  const active = manifest === null ? null : activeKey(manifest);
  return active === null || request.changeAlg ? policy.alg : active.alg;
}

/** Generates, wraps, names the key in the manifest, stores it. The slow part comes before the lease is taken. */
export async function generate(run: Run, action: Action, request: Request): Promise<Performed> {
  const { ledger, context } = run;
  try {
    const { key, wrapped } = unstoredOf(run) ?? (await nameNew(run, action, request));
    ledger.assertTimeFor('storing the new key', 30_000);
    await inTime(run, context.store.putKey(context.name, key.thumbprint, wrapped));
    await ledger.commit((m, at) => (keyOf(m, key.kid).state === 'creating' ? stored(m, key.kid, at) : null));
    forget(run);
    return { kid: key.kid, text: `${key.alg}, wrapped by ${context.wrapper.description}` };
  } catch (error) {
    // In an incident another key may have to sign instead: that is tried until the deadline, then decided.
    const incident = ledger.manifest !== null && activeKeyBeingRetired(ledger.manifest) !== null;
    if (!incident || !(error instanceof JwtrotError) || error.kind !== 'store') throw error;
    block(run, 'generate', `no replacement could be made: ${error.message}`, error.hint ?? null, error.kind);
    return {};
  }
}

async function nameNew(run: Run, action: Action, request: Request): Promise<Unstored> {
  const { ledger, context } = run;
  if (action.reason !== 'compromised') await assertCacheable(run, null);
  const made = await inTime(run, makeKey(run, algorithmFor(ledger.manifest, context.policy, request)));
  await ledger.commit((m, at) => stage(m, made.key, stageOptions(m, action, request), at));
  // Should its put fail in an incident, it is this key's that is tried again: neither another key nor given up.
  run.unstored = made;
  run.blocked.add(`key ${made.key.kid}`);
  return made;
}

/** The key that this run has named and could not store yet: a retry puts the same bytes, and leaves no further key. */
function unstoredOf({ ledger, unstored }: Run): Unstored | null {
  const kid = unstored?.key.kid;
  const isWaiting = ledger.manifest?.keys.some((one) => one.kid === kid && one.state === 'creating');
  return isWaiting && ledger.manifest?.rollout?.kid === kid ? unstored : null;
}

/** It is stored, or not wanted any more: then it is given up like any other that was left unfinished. */
export function forget(run: Run): void {
  if (run.unstored !== null) run.blocked.delete(`key ${run.unstored.key.kid}`);
  run.unstored = null;
}

/** In an incident KMS or the store may not take longer than the deadline: what they still do then is given up. */
async function inTime<T>(run: Run, work: Promise<T>): Promise<T> {
  const { ledger, context } = run;
  const left = (incidentDeadline(ledger.manifest) ?? 0) - context.clock.now();
  // Without an incident, or when one is taken up after its deadline, the adapters' own limits hold.
  if (left <= 0) return work;
  const done = new AbortController();
  const late = context.clock.sleep(left, done.signal).then(
    () => {
      throw new JwtrotError('store', 'deadline-passed', 'no answer before the deadline');
    },
    () => work,
  );
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}

async function makeKey(run: Run, alg: Algorithm): Promise<Unstored> {
  const { context } = run;
  const { publicJwk, thumbprint, privateKey } = await context.generateKey(alg, context.policy.modulusLength);
  try {
    const wrapped = await context.wrapper.wrap(privateKey, { keyset: context.name, kid: thumbprint, alg });
    return { key: { kid: thumbprint, thumbprint, alg, publicJwk, hasPrivate: true }, wrapped };
  } finally {
    privateKey.fill(0);
  }
}

/** A run died between naming a key and storing it. Its secret is there, whole: go on. Else: give it up for good. */
export async function recover(run: Run, kid: string): Promise<Performed> {
  const { ledger, context } = run;
  // The lease comes first: as long as its owner lives, the put may be under way.
  await ledger.hold();
  const key = keyOf(ledger.known, kid);
  let secret: WrappedKey | null;
  try {
    secret = await inTime(run, context.store.getKey(context.name, key.thumbprint));
  } catch (error) {
    // An incident does not wait for a key that may be of no use: another one replaces what leaked.
    const isUrgent = ledger.known.retirements.length > 0;
    if (!isUrgent || !(error instanceof JwtrotError) || error.kind !== 'store') throw error;
    block(
      run,
      `key ${kid}`,
      `v${key.version} ${kid} was left unfinished: ${error.message}`,
      error.hint ?? null,
      'store',
    );
    return {};
  }
  const whole = secret !== null && secret.kid === kid && secret.alg === key.alg;
  if (isBeingAdopted(key)) return finishAdoption(run, key, whole);
  const wanted = whole && ledger.known.rollout?.kid === kid;
  await ledger.commit((m, at) => {
    if (keyOf(m, kid).state !== 'creating') return null;
    return wanted ? stored(m, kid, at) : givenUp(m, kid, putsOver(m, ledger.formerLeaseEnd, context.policy, at), at);
  });
  return { text: wanted ? 'its secret is stored' : 'its secret was never stored: given up' };
}

/** Its tokens are about: whatever took its place would reject them. */
async function finishAdoption({ ledger, context }: Run, key: Key, isStored: boolean): Promise<Performed> {
  if (!isStored) {
    throw new JwtrotError(
      'refused',
      'import-unfinished',
      `the import of ${key.kid} into keyset ${context.name} was not finished: its private key is not in ${context.store.description}; nothing was changed`,
      {
        hint: `run jwtrot import again; to have a new key instead of it, and its tokens rejected: jwtrot retire --kid ${key.kid}`,
      },
    );
  }
  await ledger.commit((m, at) => adopted(m, key.kid, context.policy, at));
  return { text: 'its secret is stored: imported' };
}
