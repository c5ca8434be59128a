import type { Algorithm } from './algorithm.js';
import { change, changeRollout, countedFrom, move, note } from './change.js';
import type { Instant } from './clock.js';
import { withoutOldFailures } from './end-of-life.js';
import { JwtrotError } from './error.js';
import type { Key, Manifest, PublicJwk, Rollout } from './model.js';

/*
 * From nothing to a key that every verifier accepts.
 */

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
    signersOwed: false,
    refresh: null,
    retirements: [],
    lease: null,
    backoff: null,
    events: [],
  };
}

/** A kid is never used again. @throws JwtrotError `kid-used` */
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
  const begun = { direction: 'forward', phase: 'store', startedAt: at, signersAnswered: false } as const;
  const started: Rollout = { kid: key.kid, ...begun, ...options };
  // Asked for within a back-off: what follows must not wait for its end either.
  const backoff = options.forced ? null : manifest.backoff;
  return note({ ...added, rollout: started, backoff }, at, 'staged', key.kid);
}

export function stored(manifest: Manifest, kid: string, at: Instant): Manifest {
  const next = move(manifest, kid, 'pending', {});
  return note(next.rollout?.kid === kid ? changeRollout(next, { phase: 'publish' }) : next, at, 'stored', kid);
}

/** Its secret was never written, as far as can be known. Nor was it published: no verifier has to drop it. */
export function givenUp(manifest: Manifest, kid: string, deleteAgainAt: Instant, at: Instant): Manifest {
  const retired = move(manifest, kid, 'retired', { retiredAt: at, reason: 'failed', droppedAt: at, deleteAgainAt });
  const left = retired.rollout?.kid === kid ? null : retired.rollout;
  return note({ ...retired, rollout: left }, at, 'given-up', kid);
}

/** The JWKS was read back with every pending key in it. */
export function published(manifest: Manifest, at: Instant): Manifest {
  const publishedAt = countedFrom(manifest, at);
  const keys = manifest.keys.map((key) =>
    key.state === 'pending' && key.publishedAt === null ? { ...key, publishedAt } : key,
  );
  const next = { ...manifest, keys };
  return note(
    next.rollout?.phase === 'publish' ? changeRollout(next, { phase: 'verify' }) : next,
    at,
    'published',
    next.rollout?.kid ?? null,
  );
}

/** Nothing is waited for any more, but failures are counted on until signers confirm too: else a signer's never add up. */
export function verifiersConfirmed(manifest: Manifest, kid: string, at: Instant): Manifest {
  const confirmed = change(manifest, kid, { confirmedAt: countedFrom(manifest, at) });
  const backoff =
    manifest.backoff === null ? null : { ...manifest.backoff, until: Math.min(manifest.backoff.until, at) };
  return note({ ...changeRollout(confirmed, { phase: 'ahead' }), backoff }, at, 'verifiers-confirmed', kid);
}

/** The gate was polled once more: every verifier accepts the key now. */
export function acceptedNow(manifest: Manifest, kid: string, at: Instant): Manifest {
  return change(manifest, kid, { confirmedAt: countedFrom(manifest, at) });
}

/** The active key, looked at when no copy of the JWKS could be older than it. */
export function lookedAt(manifest: Manifest, kid: string, at: Instant): Manifest {
  return note(withoutOldFailures(acceptedNow(manifest, kid, at), at), at, 'verifiers-confirmed', kid);
}

/** An operator's `--force` or `--immediate` for the rollout that is under way. */
export function expedited(manifest: Manifest, options: { immediate: boolean }, at: Instant): Manifest {
  const immediate = options.immediate || (manifest.rollout?.immediate ?? false);
  return note(
    changeRollout({ ...manifest, backoff: null }, { forced: true, immediate }),
    at,
    'expedited',
    manifest.rollout?.kid ?? null,
  );
}
