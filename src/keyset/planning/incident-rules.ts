import type { Key } from '../manifest/key.js';
import type { Manifest, Retirement } from '../manifest/model.js';
import { activeKeyBeingRetired, fallbackKey, hasPassed, isInUse } from '../questions/incidents.js';
import { activeKey, publishedKeys } from '../questions/keys.js';
import { keyOf } from '../transitions/all.js';
import type { Action, Found, Known, Refusal } from './action.js';
import { generateReplacement } from './generation.js';

export function recordRetirement({ request, observations }: Pick<Known, 'request' | 'observations'>): Found {
  const { retire } = request;
  if (retire === null) return null;
  const { kid } = retire;
  const { otherHistory = false, untold = [] } = observations;
  // Recording untold keys restores the history. Another key is then retired the usual way, with a replacement.
  const isElsewhere = otherHistory && (untold.length === 0 || untold.includes(kid));
  const others = untold.filter((one) => one !== kid);
  const also = others.length === 0 ? {} : { untold: others };
  return { type: 'record-retirement', kid, request: retire, isElsewhere, ...also, reason: 'asked' };
}

/** What a commit alone can do about a recorded `retire`. Other rules handle outlets and services. */
export function incident(known: Known): Found {
  const active = activeKeyBeingRetired(known.manifest);
  return deprecatedLeaves(known) ?? (active === null ? nobodySigns(known) : replaceActive(known, active));
}

/** Takes the key out of the JWKS even if it is in use. */
export function retireNow({ kid, reason }: Retirement): Action {
  return { type: 'retire', kid, as: reason, asksSigners: false, reason: 'compromised' };
}

function tryAgain({ kid }: Retirement): Action {
  return { type: 'await-deadline', kid, reason: 'compromised' };
}

function replaceBy({ kid }: Key): Action {
  return { type: 'replace-at-deadline', kid, reason: 'deadline-passed' };
}

function deprecatedLeaves(known: Known): Found {
  for (const retirement of known.manifest.retirements) {
    const key = known.manifest.keys.find((one) => one.kid === retirement.kid);
    const found = key?.state === 'deprecated' ? endOfUse(known, key, retirement) : null;
    if (found !== null) return found;
  }
  return null;
}

/** The key stays while signers move off it, until the deadline passes or a failure shows that waiting is useless. */
function endOfUse({ manifest, now, blocked }: Known, key: Key, retirement: Retirement): Found {
  const stays = isInUse(manifest, key) && !hasPassed(retirement, now) && !blocked.has('rollout');
  if (!stays) return retireNow(retirement);
  // Signers can't switch while outlets can't be written. Keep trying until the deadline.
  return blocked.has('outlets') ? tryAgain(retirement) : null;
}

function replaceActive(known: Known, retirement: Retirement): Found {
  const { manifest, now, blocked } = known;
  const pending = manifest.keys.find((key) => key.state === 'pending');
  if (hasPassed(retirement, now)) return replaceAtDeadline(known, pending);
  const stuck = blocked.has('rollout') || blocked.has('outlets') || blocked.has('generate');
  if (stuck) return tryAgain(retirement);
  return pending === undefined ? generateReplacement(known) : null;
}

function replaceAtDeadline(known: Known, pending: Key | undefined): Found {
  const { manifest, blocked } = known;
  if (pending !== undefined) return replaceBy(pending);
  // Not tried yet: this run began after the deadline. Generating a key waits for no service.
  if (!blocked.has('generate')) return generateReplacement(known);
  const fallback = fallbackKey(manifest);
  return fallback === null ? onlyKey(known) : replaceBy(fallback);
}

function onlyKey({ manifest }: Known): Refusal {
  const active = activeKey(manifest);
  return {
    code: 'only-key',
    message: `no replacement could be made, and ${active?.kid} is the only key of keyset ${manifest.name}: it stays in the JWKS and goes on signing`,
    hint: `when the store and KMS answer again: jwtrot retire --kid ${active?.kid}; to publish without any key: add --no-replacement`,
  };
}

/** When all else is done, keeps trying outlets that somebody else blocks, until the deadline. */
export function awaitHeld({ manifest, now, blocked }: Known): Found {
  if (!blocked.has('held') || !blocked.has('outlets')) return null;
  const open = manifest.retirements.find((one) => !hasPassed(one, now));
  return open === undefined ? null : tryAgain(open);
}

/**
 * No key is active. Either the last key in the JWKS was a deprecated one: a JWKS never becomes empty unasked, so a new
 * key must replace it. Or the key signed and had to go before the store could take a replacement: nothing signs until
 * then, so the deadline counts.
 */
function nobodySigns(known: Known): Found {
  const { manifest, now, blocked, request } = known;
  const { rollout, keys } = manifest;
  if (!isKeyOwed(manifest)) return null;
  const signed = signedRetirements(manifest);
  const pending = keys.find((key) => key.state === 'pending');
  // A run by the timer waits for the gate. An earlier incident's deadline is over long since: the last one counts.
  const isOver = request.incidentOnly && signed.length > 0 && signed.every((one) => hasPassed(one, now));
  if (pending !== undefined) return isOver ? replaceBy(pending) : null;
  return rollout !== null || blocked.has('generate') ? null : generateReplacement(known);
}

/** An incident has left no key that signs, and must see to another. */
export function isKeyOwed(manifest: Manifest): boolean {
  const { retirements } = manifest;
  if (activeKey(manifest) !== null || retirements.length === 0 || retirements.some((one) => one.noReplacement))
    return false;
  return signedRetirements(manifest).length > 0 || publishedKeys(manifest).length === 0;
}

function signedRetirements(manifest: Manifest): Retirement[] {
  return manifest.retirements.filter(({ kid }) => keyOf(manifest, kid).signedFrom !== null);
}
