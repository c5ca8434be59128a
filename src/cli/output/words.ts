import type { Action, ActionType, Reason } from '../../keyset/action.js';
import type { Key } from '../../keyset/model.js';

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
  'look-again': 'look once more that each verifier has dropped',
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
  'window-over': 'its recovery window is over',
  'caches-over': 'no verifier can hold a set from before it any more',
  'policy-longer': 'tokens may live longer now',
};

/** `activate kQ3xPz0a… (every verifier can know it)`. */
export function actionText({ type, kid, reason }: Action): string {
  const names =
    type !== 'generate' && type !== 'write-outlets' && type !== 'note-outlets' && type !== 'refresh-services';
  return `${ACTIONS[type]}${names && kid !== null ? ` ${shortKid(kid)}` : ''} (${REASONS[reason]})`;
}

/** Enough to tell keys apart, and for `--kid`. */
export function shortKid(kid: string): string {
  return kid.length <= 12 ? kid : `${kid.slice(0, 10)}…`;
}

export function nameKey(key: Pick<Key, 'version' | 'kid'>): string {
  return `v${key.version} ${key.kid}`;
}
