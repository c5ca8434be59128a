import type { Instant } from '../basics/clock.js';
import { JwtrotError } from '../basics/error.js';
import type { CreatingKey, NewKey } from '../manifest/key.js';
import type { Manifest, Rollout } from '../manifest/model.js';
import { atPhase, countedFrom, keyBefore, keyIn, note, withKey } from './change.js';
import { withoutOldFailures } from './end-of-life.js';

/*
 * From no key to one that every verifier accepts.
 */

export function emptyManifest(name: string): Manifest {
  return {
    schema: 1,
    name,
    lineage: null,
    formerLineages: [],
    revision: 0,
    commits: [],
    host: null,
    keys: [],
    rollout: null,
    reloadsUntil: null,
    signersOwed: false,
    refresh: null,
    verifiersOwedAt: null,
    retirements: [],
    lease: null,
    backoff: null,
    events: [],
  };
}

/** @throws JwtrotError `kid-used` */
export function addKey(manifest: Manifest, key: NewKey, at: Instant): Manifest {
  return { ...manifest, keys: [...manifest.keys, unused(key, nextVersion(manifest, key), at)] };
}

/** The version for a new key. @throws JwtrotError `kid-used`: a kid is never used again */
export function nextVersion({ name, keys }: Manifest, key: Pick<NewKey, 'kid' | 'thumbprint'>): number {
  if (keys.some((one) => one.kid === key.kid || one.thumbprint === key.thumbprint)) {
    throw new JwtrotError(
      'refused',
      'kid-used',
      `keyset ${name} has had key ${key.kid} already; a kid is never used again`,
    );
  }
  return 1 + keys.reduce((highest, one) => Math.max(highest, one.version), 0);
}

/** A key at the start of its life. */
export function unused<Public>(
  key: Omit<NewKey, 'publicJwk'> & { readonly publicJwk: Public },
  version: number,
  at: Instant,
): Omit<CreatingKey, 'publicJwk'> & { readonly publicJwk: Public } {
  return {
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
}

export interface StageOptions {
  readonly forced: boolean;
  readonly immediate: boolean;
  /** The key to go back to; null in an incident, which never rolls back. */
  readonly former: string | null;
}

/** Names a key in the manifest before its secret is written, so that no secret is ever orphaned. */
export function stage(manifest: Manifest, key: NewKey, options: StageOptions, at: Instant): Manifest {
  const added = addKey(manifest, key, at);
  const begun = { direction: 'forward', phase: 'store', startedAt: at, signersAnswered: false } as const;
  const started: Rollout = { kid: key.kid, ...begun, ...options };
  // A forced request ends the back-off, also for the steps that follow.
  const backoff = options.forced ? null : manifest.backoff;
  return note({ ...added, rollout: started, backoff }, { at, type: 'staged', kid: key.kid });
}

/** @param putsUntil until when a put whose answer was lost may land; null: there was none */
export function stored(manifest: Manifest, kid: string, putsUntil: Instant | null, at: Instant): Manifest {
  const key = keyBefore(manifest, kid, 'pending');
  const unused = { activatedAt: null, deprecatedAt: null, reason: null };
  const next = withKey(manifest, { ...key, ...unused, state: 'pending', deleteAgainAt: putsUntil });
  return note(next.rollout?.kid === kid ? atPhase(next, 'publish') : next, { at, type: 'stored', kid });
}

/** Its secret was probably never written. It was never published, so no verifier has to drop it. */
export function givenUp(manifest: Manifest, kid: string, deleteAgainAt: Instant, at: Instant): Manifest {
  const gone = { state: 'retired', retiredAt: at, reason: 'failed', droppedAt: at, deleteAgainAt } as const;
  const retired = withKey(manifest, { ...keyBefore(manifest, kid, 'retired'), ...gone });
  const left = retired.rollout?.kid === kid ? null : retired.rollout;
  return note({ ...retired, rollout: left }, { at, type: 'given-up', kid });
}

/** Every outlet was read back with all pending keys in its JWKS. */
export function published(manifest: Manifest, at: Instant): Manifest {
  const publishedAt = countedFrom(manifest, at);
  const keys = manifest.keys.map((key) =>
    key.state === 'pending' && key.publishedAt === null ? { ...key, publishedAt } : key,
  );
  const { rollout } = manifest;
  const next = note({ ...manifest, keys }, { at, type: 'published', kid: rollout?.kid ?? null });
  return rollout?.phase === 'publish' ? atPhase(next, 'verify') : next;
}

/**
 * Every verifier confirmed the key. Ends the wait of a back-off but keeps its count until signers confirm too:
 * otherwise a signer's failures would never add up.
 */
export function verifiersConfirmed(manifest: Manifest, kid: string, at: Instant): Manifest {
  const confirmed = acceptedNow(manifest, kid, at);
  const backoff =
    manifest.backoff === null ? null : { ...manifest.backoff, until: Math.min(manifest.backoff.until, at) };
  return note({ ...atPhase(confirmed, 'ahead'), backoff }, { at, type: 'verifiers-confirmed', kid });
}

/** Every verifier accepted the key when polled again. */
export function acceptedNow(manifest: Manifest, kid: string, at: Instant): Manifest {
  const key = keyIn(manifest, kid, 'pending', 'active', 'deprecated');
  return withKey(manifest, { ...key, confirmedAt: countedFrom(manifest, at) });
}

/** Verifiers confirmed the active key when no copy of the JWKS could be older than it. */
export function verifiersRechecked(manifest: Manifest, kid: string, at: Instant): Manifest {
  return note(withoutOldFailures(acceptedNow(manifest, kid, at), at), { at, type: 'verifiers-confirmed', kid });
}

/** Applies an operator's `--force` or `--immediate` to the rollout under way. */
export function expedited(manifest: Manifest, options: { immediate: boolean }, at: Instant): Manifest {
  const { rollout } = manifest;
  const hastened = rollout && { ...rollout, forced: true, immediate: options.immediate || rollout.immediate };
  return note({ ...manifest, rollout: hastened, backoff: null }, { at, type: 'expedited', kid: rollout?.kid ?? null });
}
