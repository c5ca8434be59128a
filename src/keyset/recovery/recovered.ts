import type { Instant } from '../basics/clock.js';
import type { Policy } from '../basics/policy.js';
import type { Key } from '../manifest/key.js';
import type { Manifest, Retirement } from '../manifest/model.js';
import { countedFrom, type Now, note } from '../transitions/change.js';
import { emptyManifest } from '../transitions/staging.js';
import { become, entered } from './recovered-key.js';
import { type Fate, isHeld, type Recovery } from './recovery.js';

/*
 * Builds the manifest that a recovery commits. `rotate` goes on from it: it writes the outlets and has services reload
 * them. Former keys' clocks start only after signers have been checked again.
 */

export interface Recovering {
  readonly keyset: string;
  /** The id of the new history. */
  readonly lineage: string;
  readonly policy: Pick<Policy, 'alg' | 'maxTokenTtl' | 'verifyFor'>;
}

/** The most tombstones added to a manifest from other sources. A host remembers all of them. */
const MOST_TOMBSTONES = 60;
const MOST_LINEAGES = 50;

/** @param from the manifest that was examined; null: none @returns the manifest without its commit and lease */
export function recovered(from: Manifest | null, recovery: Recovery, what: Recovering, at: Instant): Manifest {
  const base = from ?? emptyManifest(what.keyset);
  const keys = keysOf(base, recovery, { policy: what.policy, at: countedFrom(base, at) });
  const rekeyed = withIncidents(withRollout({ ...base, keys }, recovery, at), recovery, at);
  const owed = owing(rekeyed, recovery, at);
  if (recovery.because === null || recovery.revision === null) {
    return note({ ...owed, revision: base.revision + 1 }, { at, type: 'recovered', detail: summary(recovery) });
  }
  const next: Manifest = {
    ...owed,
    lineage: what.lineage,
    formerLineages: recovery.formerLineages.slice(-MOST_LINEAGES),
    revision: recovery.revision,
    backoff: null,
  };
  return note(next, { at, type: 'recovered', detail: summary(recovery) });
}

function summary({ because, fates, mended }: Recovery): string {
  const count = (what: Fate['becomes']) => fates.filter(({ becomes }) => becomes === what).length;
  const kept = count('active') + count('pending') + count('deprecated');
  const gone = count('retired') + count('tombstone');
  const history = because === null ? 'same history' : `another history (${because.why})`;
  return `${history}; ${kept} kept, ${gone} retired, ${mended.length} records made anew`;
}

function keysOf(base: Manifest, { fates, roles }: Recovery, now: Now<Recovering['policy']>): Key[] {
  const byThumbprint = new Map(fates.map((fate) => [fate.known.thumbprint, fate]));
  const known = base.keys.map((key) => {
    const fate = byThumbprint.get(key.thumbprint);
    return fate === undefined ? key : become({ ...key, kid: fate.known.kid }, fate, roles, now);
  });
  const numbered = numbers(base, fates);
  const isTombstone = ([{ becomes }]: readonly [Fate, number]) => becomes === 'tombstone';
  const keys = [...known];
  // Tombstones first: keys in use belong at the end, where searches begin.
  for (const [fate, version] of [...numbered].sort((a, b) => Number(isTombstone(b)) - Number(isTombstone(a)))) {
    keys.push(become(entered(fate, version, keys, now), fate, roles, now));
  }
  return keys;
}

/**
 * Numbers the keys that the manifest does not know; their former versions are lost. Keys in use come before tombstones,
 * so they mostly get their former numbers.
 */
export function numbers(base: Pick<Manifest, 'keys'> | null, fates: readonly Fate[]): Map<Fate, number> {
  const added = fates.filter(({ known: { key }, becomes }) => key === null && becomes !== 'same' && becomes !== 'left');
  const tombstones = added.filter(({ becomes }) => becomes === 'tombstone').slice(-MOST_TOMBSTONES);
  const others = added.filter(({ becomes }) => becomes !== 'tombstone');
  const highest = Math.max(0, ...(base?.keys ?? []).map(({ version }) => version));
  return new Map([...others, ...tombstones].map((fate, i) => [fate, highest + 1 + i]));
}

/** Rolls out the pending key through the gate; at once if nothing signs. A key still to be stored comes first. */
function withRollout(manifest: Manifest, { roles }: Recovery, at: Instant): Manifest {
  if (roles === null) return withoutGone(manifest);
  const creating = manifest.keys.find((key) => key.state === 'creating' && key.thumbprint === roles.active?.thumbprint);
  const key = creating ?? manifest.keys.find((one) => one.state === 'pending');
  if (key === undefined) return { ...manifest, rollout: null };
  const former = creating === undefined ? (manifest.keys.find((one) => one.state === 'active')?.kid ?? null) : null;
  const isHasty = creating === undefined && former === null;
  return {
    ...manifest,
    rollout: {
      kid: key.kid,
      former,
      direction: 'forward',
      phase: creating === undefined ? 'publish' : 'store',
      startedAt: at,
      forced: isHasty,
      immediate: isHasty,
      signersAnswered: false,
    },
  };
}

/** The same history: its rollout goes on, unless its key was retired. */
function withoutGone(manifest: Manifest): Manifest {
  const { rollout, keys } = manifest;
  const isGone = (kid: string | null) => keys.some((key) => key.kid === kid && key.state === 'retired');
  if (rollout === null) return manifest;
  if (isGone(rollout.kid)) return { ...manifest, rollout: null };
  // A rollback to it is no longer possible.
  const left = rollout.direction === 'back' ? null : { ...rollout, former: null };
  return isGone(rollout.former) ? { ...manifest, rollout: left } : manifest;
}

/**
 * Opens an incident, as after `retire`, for each key that this recovery retires as compromised and that may still be
 * accepted. Its deadline is already over, so nothing waits; verifiers are polled without back-off until each has
 * dropped the key.
 */
function withIncidents(manifest: Manifest, { fates }: Recovery, at: Instant): Manifest {
  const leaving = new Map(fates.filter(mayBeAccepted).map(({ known, becomes }) => [known.thumbprint, becomes]));
  const known = new Set(manifest.retirements.map(({ kid }) => kid));
  const opened = manifest.keys
    .filter(({ kid, thumbprint }) => leaving.has(thumbprint) && !known.has(kid))
    .map(({ kid, thumbprint }): Retirement => {
      // A tombstone is in no outlet: check verifiers now.
      const checkAgainAt = leaving.get(thumbprint) === 'tombstone' ? at : null;
      const asked = { requestedAt: at, deadlineAt: at, noReplacement: false, purge: false, checkAgainAt };
      return { kid, reason: 'compromised', ...asked };
    });
  if (opened.length === 0) return manifest;
  return { ...manifest, retirements: [...manifest.retirements, ...opened], backoff: null };
}

/** Keys that the manifest retired keep its own incidents. For a mere name, only its holders or a request count. */
function mayBeAccepted({ known, becomes }: Fate): boolean {
  const { retiredBy, isLeaving } = known;
  if (retiredBy.includes('the manifest')) return false;
  if (!retiredBy.includes('this host') && !retiredBy.includes('the operator')) return false;
  return (
    becomes === 'retired' ||
    (becomes === 'tombstone' && (isLeaving || retiredBy.includes('the operator') || isHeld(known)))
  );
}

/** Orders that outlets are rewritten and services reload, whatever they hold. */
function owing(manifest: Manifest, { roles }: Recovery, at: Instant): Manifest {
  const retirements = manifest.retirements.filter(({ kid }) => manifest.keys.some((key) => key.kid === kid));
  if (roles === null) return { ...manifest, retirements };
  const reloadsUntil = Math.max(manifest.reloadsUntil ?? 0, at);
  // A cache may hold anything that the lost history published.
  const refresh = { publish: true, deliver: true, served: true, since: at };
  return { ...manifest, retirements, refresh, signersOwed: true, reloadsUntil };
}
