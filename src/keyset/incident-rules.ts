import { act, type Found, type Known, type Refusal } from './action.js';
import { activeKeyBeingRetired, fallbackKey, hasPassed, isInUse } from './incident.js';
import type { Key, Retirement } from './model.js';
import { activeKey, publishedKeys } from './projection.js';

export function recordRetirement({ request }: Known): Found {
  return request.retire === null ? null : act('record-retirement', request.retire.kid, 'asked');
}

/** A recorded `retire`: what can be done about it by a commit alone. Outlets and services follow by the other rules. */
export function incident(known: Known): Found {
  const active = activeKeyBeingRetired(known.manifest);
  return deprecatedLeaves(known) ?? (active === null ? lastKeyGone(known) : replaceActive(known, active));
}

function deprecatedLeaves(known: Known): Found {
  for (const retirement of known.manifest.retirements) {
    const key = known.manifest.keys.find((one) => one.kid === retirement.kid);
    const found = key?.state === 'deprecated' ? endOfUse(known, key, retirement) : null;
    if (found !== null) return found;
  }
  return null;
}

/** While signers are on their way off it, it stays: until the deadline, or until waiting for them has proved vain. */
function endOfUse({ manifest, now, blocked }: Known, key: Key, retirement: Retirement): Found {
  const stays = isInUse(manifest, key) && !hasPassed(retirement, now) && !blocked.has('rollout');
  if (!stays) return act('retire', key.kid, 'compromised');
  // Signers can't be switched while outlets can't be written: that is tried again until the deadline.
  return blocked.has('outlets') ? act('await-deadline', key.kid, 'compromised') : null;
}

function replaceActive(known: Known, retirement: Retirement): Found {
  const { manifest, now, blocked } = known;
  const pending = manifest.keys.find((key) => key.state === 'pending');
  if (hasPassed(retirement, now)) return replaceAtDeadline(known, pending);
  const stuck = blocked.has('rollout') || blocked.has('outlets') || blocked.has('generate');
  if (stuck) return act('await-deadline', retirement.kid, 'compromised');
  return pending === undefined ? act('generate', null, 'compromised') : null;
}

function replaceAtDeadline(known: Known, pending: Key | undefined): Found {
  const { manifest, blocked } = known;
  if (pending !== undefined) return act('replace-at-deadline', pending.kid, 'deadline-passed');
  // Not tried yet: this run took the incident up after its deadline. Making a key waits for no service.
  if (!blocked.has('generate')) return act('generate', null, 'compromised');
  const fallback = fallbackKey(manifest);
  return fallback === null ? onlyKey(known) : act('replace-at-deadline', fallback.kid, 'deadline-passed');
}

function onlyKey({ manifest }: Known): Refusal {
  const active = activeKey(manifest);
  return {
    code: 'only-key',
    message: `no replacement could be made, and ${active?.kid} is the only key of keyset ${manifest.name}: it stays in the JWKS and goes on signing`,
    hint: `when the store and KMS answer again: jwtrot retire --kid ${active?.kid}; to publish without any key: add --no-replacement`,
  };
}

/** The last key in the JWKS was no active one. A JWKS never becomes empty unasked: another key drives it out. */
function lastKeyGone({ manifest, blocked }: Known): Found {
  const { retirements, rollout } = manifest;
  if (retirements.length === 0 || retirements.some((one) => one.noReplacement)) return null;
  if (rollout !== null || publishedKeys(manifest).length > 0 || blocked.has('generate')) return null;
  return act('generate', null, 'compromised');
}
