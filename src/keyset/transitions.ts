import type { Algorithm } from './algorithm.js';
import type { Instant } from './clock.js';
import { JwtrotError } from './error.js';
import type { Key, KeysetEvent, Manifest, PublicJwk, RetireReason, Rollout } from './model.js';
import type { Policy } from './policy.js';
import { activeKey } from './projection.js';
import { assertLegalMove, type KeyState } from './states.js';

/*
 * Every change that a commit can make to a manifest, as a pure function of the manifest that was read and the commit's
 * own time. An illegal move throws: nothing is committed then.
 */

type TokenLife = Pick<Policy, 'maxTokenTtl' | 'verifyFor'>;

export function keyOf(manifest: Manifest, kid: string): Key {
  const key = manifest.keys.find((one) => one.kid === kid);
  if (key === undefined) {
    throw new JwtrotError('refused', 'no-such-key', `keyset ${manifest.name} holds no key ${kid}; nothing was changed`);
  }
  return key;
}

export function note(
  manifest: Manifest,
  at: Instant,
  type: string,
  kid: string | null = null,
  detail: string | null = null,
): Manifest {
  const event: KeysetEvent = { at, type, kid, detail };
  return { ...manifest, events: [...manifest.events, event] };
}

function change(manifest: Manifest, kid: string, changes: Partial<Key>): Manifest {
  keyOf(manifest, kid);
  return { ...manifest, keys: manifest.keys.map((key) => (key.kid === kid ? { ...key, ...changes } : key)) };
}

function move(manifest: Manifest, kid: string, to: KeyState, changes: Partial<Key>): Manifest {
  assertLegalMove(kid, keyOf(manifest, kid).state, to);
  return change(manifest, kid, { ...changes, state: to });
}

function rollout(manifest: Manifest, changes: Partial<Rollout>): Manifest {
  return manifest.rollout === null ? manifest : { ...manifest, rollout: { ...manifest.rollout, ...changes } };
}

function rolloutOf(manifest: Manifest, kid: string, changes: Partial<Rollout>): Manifest {
  return manifest.rollout?.kid === kid ? rollout(manifest, changes) : manifest;
}

/** A key as it enters a keyset. */
export interface NewKey {
  readonly kid: string;
  readonly thumbprint: string;
  readonly alg: Algorithm;
  readonly publicJwk: PublicJwk;
  readonly hasPrivate: boolean;
}

export function emptyManifest(name: string): Manifest {
  return {
    schema: 1,
    name,
    revision: 0,
    commits: [],
    host: null,
    keys: [],
    rollout: null,
    reloadsUntil: null,
    refresh: null,
    retirements: [],
    lease: null,
    backoff: null,
    events: [],
  };
}

/** A kid is never used again. */
export function addKey(manifest: Manifest, key: NewKey, at: Instant): Manifest {
  if (manifest.keys.some((one) => one.kid === key.kid || one.thumbprint === key.thumbprint)) {
    throw new JwtrotError(
      'refused',
      'kid-used',
      `keyset ${manifest.name} has had key ${key.kid} already; a kid is never used again`,
    );
  }
  const version = 1 + manifest.keys.reduce((highest, one) => Math.max(highest, one.version), 0);
  const added: Key = {
    ...key,
    version,
    state: 'creating',
    createdAt: at,
    publishedAt: null,
    confirmedAt: null,
    activatedAt: null,
    signedFrom: null,
    deprecatedAt: null,
    signedUntil: null,
    maxTokenTtl: 0,
    verifyFor: 0,
    retiredAt: null,
    reason: null,
    droppedAt: null,
    goneAt: null,
    deleteAgainAt: null,
    destroyedAt: null,
  };
  return { ...manifest, keys: [...manifest.keys, added] };
}

export interface StageOptions {
  readonly forced: boolean;
  readonly immediate: boolean;
  /** The key to go back to; null in an incident, which never rolls back. */
  readonly former: string | null;
}

/** The manifest names a key before its secret is written, so that no orphan can exist. */
export function stage(manifest: Manifest, key: NewKey, options: StageOptions, at: Instant): Manifest {
  const added = addKey(manifest, key, at);
  const started: Rollout = { kid: key.kid, direction: 'forward', phase: 'store', startedAt: at, ...options };
  return note({ ...added, rollout: started }, at, 'staged', key.kid);
}

export function stored(manifest: Manifest, kid: string, at: Instant): Manifest {
  return note(rolloutOf(move(manifest, kid, 'pending', {}), kid, { phase: 'publish' }), at, 'stored', kid);
}

/** Its secret was never written, as far as can be known. */
export function givenUp(manifest: Manifest, kid: string, deleteAgainAt: Instant, at: Instant): Manifest {
  const retired = move(manifest, kid, 'retired', { retiredAt: at, reason: 'failed', deleteAgainAt });
  const left = retired.rollout?.kid === kid ? null : retired.rollout;
  return note({ ...retired, rollout: left }, at, 'given-up', kid);
}

/** Intent: outlets were found to differ and will be written again. A pending kid that was missing starts anew. */
export function outletsFound(
  manifest: Manifest,
  found: { publish: boolean; deliver: boolean; missing: readonly string[] },
  at: Instant,
): Manifest {
  const refresh = {
    publish: found.publish || (manifest.refresh?.publish ?? false),
    deliver: found.deliver || (manifest.refresh?.deliver ?? false),
    since: manifest.refresh?.since ?? at,
  };
  let next: Manifest = { ...manifest, refresh };
  for (const kid of found.missing) next = change(next, kid, { publishedAt: null, confirmedAt: null });
  const rolled = next.rollout !== null && found.missing.includes(next.rollout.kid);
  return note(rolled ? rollout(next, { phase: 'publish' }) : next, at, 'outlets-differ');
}

/** The JWKS was read back with every pending key in it. */
export function published(manifest: Manifest, at: Instant): Manifest {
  const keys = manifest.keys.map((key) =>
    key.state === 'pending' && key.publishedAt === null ? { ...key, publishedAt: at } : key,
  );
  const next = { ...manifest, keys };
  return note(
    next.rollout?.phase === 'publish' ? rollout(next, { phase: 'verify' }) : next,
    at,
    'published',
    next.rollout?.kid ?? null,
  );
}

export function verifiersConfirmed(manifest: Manifest, kid: string, at: Instant): Manifest {
  const next = rollout(change(manifest, kid, { confirmedAt: at }), { phase: 'ahead' });
  return note({ ...next, backoff: null }, at, 'verifiers-confirmed', kid);
}

/** An operator's `--force` or `--immediate` for the rollout that is under way. */
export function expedited(manifest: Manifest, options: { immediate: boolean }, at: Instant): Manifest {
  const immediate = options.immediate || (manifest.rollout?.immediate ?? false);
  return note(
    rollout({ ...manifest, backoff: null }, { forced: true, immediate }),
    at,
    'expedited',
    manifest.rollout?.kid ?? null,
  );
}

function longest(key: Key, policy: TokenLife): TokenLife {
  return {
    maxTokenTtl: Math.max(key.maxTokenTtl, policy.maxTokenTtl),
    verifyFor: Math.max(key.verifyFor, policy.verifyFor),
  };
}

function deprecate(manifest: Manifest, key: Key, policy: TokenLife, at: Instant): Manifest {
  return move(manifest, key.kid, 'deprecated', { deprecatedAt: at, signedUntil: null, ...longest(key, policy) });
}

function makeActive(manifest: Manifest, kid: string, policy: TokenLife, at: Instant): Manifest {
  const key = keyOf(manifest, kid);
  return move(manifest, kid, 'active', {
    activatedAt: at,
    signedFrom: key.signedFrom ?? at,
    signedUntil: null,
    deprecatedAt: null,
    reason: null,
    ...longest(key, policy),
  });
}

/** The switch: one atomic commit. */
export function activated(manifest: Manifest, kid: string, policy: TokenLife, at: Instant): Manifest {
  const active = activeKey(manifest);
  const before = active === null ? manifest : deprecate(manifest, active, policy, at);
  const switched = rollout(makeActive(before, kid, policy, at), { phase: 'switch' });
  return note(switched, at, 'activated', kid);
}

/** Every signer confirmed the active key: the clock of the keys before it starts. Not before the end of the last reload. */
export function signersConfirmed(
  manifest: Manifest,
  policy: TokenLife,
  reloadsUntil: Instant | null,
  at: Instant,
): Manifest {
  const until = Math.max(at, reloadsUntil ?? 0);
  const keys = manifest.keys.map((key) =>
    key.state === 'deprecated' && key.signedUntil === null
      ? { ...key, ...longest(key, policy), signedUntil: until }
      : key,
  );
  const settled = { ...manifest, keys, rollout: null };
  // A rollback ends a failed attempt: its back-off stays.
  const backoff = manifest.rollout?.direction === 'back' ? manifest.backoff : null;
  return note({ ...settled, backoff }, at, 'signers-confirmed', activeKey(manifest)?.kid ?? null);
}

/** Back to the former key. Final: the direction never turns again. */
export function rolledBack(manifest: Manifest, policy: TokenLife, because: string, at: Instant): Manifest {
  const current = manifest.rollout;
  const active = activeKey(manifest);
  if (current?.former == null || active === null) {
    throw new JwtrotError(
      'refused',
      'nothing-to-roll-back',
      `keyset ${manifest.name} has no former key to go back to; nothing was changed`,
    );
  }
  const off = change(deprecate(manifest, active, policy, at), active.kid, { reason: 'failed' });
  const back = rollout(makeActive(off, current.former, policy, at), { direction: 'back', phase: 'switch' });
  return note(back, at, 'rolled-back', active.kid, because);
}

/** Out of the JWKS, never to return. */
export function retired(manifest: Manifest, kid: string, reason: RetireReason, at: Instant): Manifest {
  const next = move(manifest, kid, 'retired', { retiredAt: at, reason, droppedAt: null });
  // A rollout of a key that is gone is over; one away from it goes on, with nothing to go back to.
  const left =
    next.rollout?.kid === kid && next.rollout.direction === 'forward'
      ? null
      : next.rollout?.former === kid && next.rollout.direction === 'forward'
        ? { ...next.rollout, former: null }
        : next.rollout;
  return note({ ...next, rollout: left }, at, 'retired', kid, reason);
}

/** A signer still reports a key that was to expire: its clock starts again. */
export function stillSigning(manifest: Manifest, kid: string, service: string, at: Instant): Manifest {
  return note(change(manifest, kid, { signedUntil: at }), at, 'still-signing', kid, service);
}

export function dropped(manifest: Manifest, kids: readonly string[], at: Instant): Manifest {
  let next = manifest;
  for (const kid of kids) next = note(change(next, kid, { droppedAt: at }), at, 'dropped', kid);
  return next;
}

export function deletionOrdered(
  manifest: Manifest,
  kid: string,
  goneAt: Instant,
  again: boolean,
  at: Instant,
): Manifest {
  const changes = again ? { goneAt, deleteAgainAt: null } : { goneAt };
  return note(change(manifest, kid, changes), at, 'deletion-ordered', kid);
}

export function destroyed(manifest: Manifest, kid: string, at: Instant): Manifest {
  return note(move(manifest, kid, 'destroyed', { destroyedAt: at, publicJwk: null }), at, 'destroyed', kid);
}

export function refreshed(manifest: Manifest, at: Instant): Manifest {
  return note({ ...manifest, refresh: null }, at, 'services-refreshed');
}

export function policyRecorded(manifest: Manifest, kid: string, policy: TokenLife, at: Instant): Manifest {
  return note(change(manifest, kid, longest(keyOf(manifest, kid), policy)), at, 'policy-recorded', kid);
}

export function hostTaken(manifest: Manifest, host: { id: string; hostname: string }, at: Instant): Manifest {
  return note({ ...manifest, host: { id: host.id, hostname: host.hostname } }, at, 'taken-over', null, host.hostname);
}

/** The operator says that this clock is right: times ahead of it are set to now. */
export function clockAccepted(manifest: Manifest, at: Instant): Manifest {
  const past = (time: Instant | null) => (time === null ? null : Math.min(time, at));
  const keys = manifest.keys.map((key) => ({
    ...key,
    publishedAt: past(key.publishedAt),
    confirmedAt: past(key.confirmedAt),
    activatedAt: past(key.activatedAt),
    // The signer's own clock may have been right all along: later is safe, earlier is not.
    signedUntil: past(key.signedUntil),
  }));
  return note({ ...manifest, keys, backoff: null }, at, 'clock-accepted');
}

const LONGEST_BACKOFF = 24 * 3_600_000;

/** After a failed attempt the next one waits: 1 h, doubling to 24 h. */
export function backedOff(manifest: Manifest, because: string, at: Instant): Manifest {
  const failures = (manifest.backoff?.failures ?? 0) + 1;
  const wait = Math.min(LONGEST_BACKOFF, 3_600_000 * 2 ** Math.min(failures - 1, 10));
  return note(
    { ...manifest, backoff: { failures, until: at + wait, because: because.slice(0, 400) } },
    at,
    'backed-off',
  );
}
