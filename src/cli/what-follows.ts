import type { Duration, Instant } from '../keyset/basics/clock.js';
import type { Key } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { isKeyOwed } from '../keyset/planning/incident-rules.js';
import { requestRecorded } from '../keyset/planning/recorded.js';
import { activeKey } from '../keyset/questions/keys.js';
import type { FoundKey } from './named.js';

/** What `jwtrot retire` is asked for. */
export interface Asked {
  readonly deadline: Duration;
  readonly replacement: boolean;
  readonly now: Instant;
}

/** The rollout of another key goes on: `--no-replacement` hastens nothing, and stops nothing either. */
function waitsToSign({ kid, state }: Key, { rollout }: Manifest): boolean {
  return state === 'active' && rollout !== null && rollout.phase !== 'switch' && rollout.kid !== kid;
}

/** What follows if the key does not sign. The rules for incidents tell, from the manifest with the request in it. */
export function whatFollows(
  { key, seen: { manifest } }: Pick<FoundKey, 'key' | 'seen'>,
  { deadline, replacement, now }: Asked,
): string {
  const none = 'no replacement';
  if (key === null || manifest === null) return none;
  if (!replacement) return waitsToSign(key, manifest) ? `${none}; the pending key signs when its time has come` : none;
  if (activeKey(manifest) !== null) {
    return key.state === 'pending' || key.state === 'creating'
      ? 'the active key goes on signing; another is made when a rotation is due'
      : none;
  }
  const { kid } = key;
  const request = { kid, reason: 'compromised', deadline, noReplacement: false, purge: false } as const;
  const action = { type: 'record-retirement', kid, request, isElsewhere: false, reason: 'asked' } as const;
  const after = requestRecorded(manifest, action, now, now);
  if (!isKeyOwed(after)) return none;
  return after.rollout === null ? 'a replacement is made' : 'the pending key signs next';
}
