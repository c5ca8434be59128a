import type { Instant } from '../../keyset/basics/clock.js';
import { approximateDuration } from '../../keyset/basics/duration.js';
import type { Key } from '../../keyset/manifest/key.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { type Action, type ActionType, kidOf } from '../../keyset/planning/action.js';
import type { Reason } from '../../keyset/planning/reason.js';
import { kindText } from '../../keyset/questions/key-kind.js';
import type { Upcoming } from '../../keyset/questions/upcoming.js';

const ACTIONS: Readonly<Record<ActionType, string>> = {
  'take-over': 'move the keyset to this host',
  'accept-clock': 'accept this host’s clock',
  'record-retirement': 'record the request to retire',
  'roll-back': 'go back to',
  generate: 'generate, wrap and store a new key',
  recover: 'look for the secret of',
  expedite: 'hasten the rollout of',
  'note-outlets': 'note that outlets differ',
  'write-outlets': 'write the outlets and read them back',
  'refresh-services': 'have services read the outlets again',
  'confirm-verifiers': 'wait until each verifier accepts',
  activate: 'pass the gate and activate',
  'confirm-signers': 'wait until each signer signs with',
  'await-deadline': 'try again before the deadline, for',
  'replace-at-deadline': 'switch without waiting to',
  retire: 'take out of the JWKS:',
  'confirm-drop': 'wait until each verifier has dropped',
  'recheck-drop': 'look once more that each verifier has dropped',
  'delete-secret': 'order the deletion of the private key of',
  destroy: 'mark as destroyed:',
  'record-policy': 'record the longer policy for',
};

const REASONS: Readonly<Record<Reason, string>> = {
  asked: 'asked for',
  'first-key': 'the first key',
  'no-active-key': 'no key is active',
  age: 'the active key reaches rotateEvery',
  forced: 'asked for by --force',
  immediate: 'asked for by --immediate',
  'algorithm-changed': 'the algorithm changes',
  superseded: 'superseded by another algorithm',
  compromised: 'a key is being retired',
  expired: 'its last token has expired',
  failed: 'its rollout had failed',
  interrupted: 'a run was interrupted',
  'outlets-differ': 'outlets differ from the manifest',
  'new-key': 'a new key',
  'key-dropped': 'a key was retired',
  switched: 'the active key changed',
  'rolled-back': 'the former key signs again',
  'published-long-enough': 'every verifier can know it',
  'deadline-passed': 'the deadline has passed',
  retired: 'it is retired',
  'put-in-flight': 'a write of it may have been under way',
  'window-over': 'nothing of it is left in the store',
  'caches-over': 'no verifier can hold a set from before it any more',
  'policy-longer': 'tokens may live longer now',
};

/** Actions whose text does not end with a key. */
const NAMELESS: ReadonlySet<ActionType> = new Set(['write-outlets', 'note-outlets']);

/** `activate kQ3xPz0a… (every verifier can know it)`. */
export function actionText(action: Action): string {
  const { type, reason } = action;
  return `${ACTIONS[type]}${objectOf(action)} (${REASONS[reason]})`;
}

function objectOf(action: Action): string {
  if (action.type === 'generate') return `: ${kindText(action.kind)}`;
  if ('kids' in action) return ` ${kidsText(action.kids)}`;
  const kid = NAMELESS.has(action.type) ? null : kidOf(action);
  return kid === null ? '' : ` ${shortKid(kid)}`;
}

/** The first is the one that was asked for. */
function kidsText([first = '', ...others]: readonly string[]): string {
  const [second] = others;
  if (second === undefined) return shortKid(first);
  return `${shortKid(first)} and ${others.length === 1 ? shortKid(second) : `${others.length} more`}`;
}

/** `activate in 2h (publishAhead 24h ends)`. */
export function upcomingText({ action, at, reason }: Upcoming, now: Instant): string {
  const soon = at !== null && at <= now ? 'now' : '';
  const when =
    at === null || !Number.isFinite(at) ? 'with the next run' : soon || `in ${approximateDuration(at - now)}`;
  return `${action} ${when} (${reason})`;
}

/** Enough characters to tell keys apart, and for `--kid`. */
export function shortKid(kid: string): string {
  return kid.length <= 12 ? kid : `${kid.slice(0, 10)}…`;
}

export function nameKey(key: Pick<Key, 'version' | 'kid'>): string {
  return `v${key.version} ${key.kid}`;
}

/** The next key waits for the caches like any other, though nobody signs meanwhile. */
export function keylessText({ keys, rollout }: Pick<Manifest, 'keys' | 'rollout'>): string {
  const isFirst = keys.every(({ signedFrom }) => signedFrom === null);
  if (isFirst) return rollout === null ? 'no key is active: jwtrot rotate' : 'no key is active yet';
  const waits =
    rollout === null ? 'jwtrot rotate makes one that waits for publishAhead' : 'the new one waits for publishAhead';
  return `no key is active; ${waits}; to sign at once: jwtrot rotate --immediate`;
}

export function failuresText(count: number): string {
  return `${count} failed attempt${count === 1 ? '' : 's'}`;
}

/** When the next run does it, if it is due at `at`. */
export function runText(at: Instant, now: Instant): string {
  return at <= now ? 'with the next run' : dueText(at, now);
}

/** `due now`, `in 2h (2026-11-21 13:47 UTC)`. */
export function dueText(at: Instant, now: Instant): string {
  return at <= now ? 'due now' : `in ${approximateDuration(at - now)} (${atText(at)})`;
}

/** `2026-11-21 13:47 UTC`. */
export function atText(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
