import { JwtrotError } from '../basics/error.js';

/** The states of a key's life. The comments name the states of NIST SP 800-57 part 1 section 7. */
export const KEY_STATES = [
  'creating',
  'pending', // pre-activation
  'active', // active
  'deprecated', // deactivated
  'retired', // deactivated or compromised
  'destroyed', // destroyed
] as const;

export type KeyState = (typeof KEY_STATES)[number];

const MOVES = {
  creating: ['pending', 'retired'],
  pending: ['active', 'retired'],
  active: ['deprecated', 'retired'],
  deprecated: ['active', 'retired'],
  retired: ['destroyed'],
  destroyed: [],
} as const satisfies Record<KeyState, readonly KeyState[]>;

/** The states from which a key can move to `To`. */
export type Before<To extends KeyState> = {
  [From in KeyState]: To extends (typeof MOVES)[From][number] ? From : never;
}[KeyState];

export function isLegalMove(from: KeyState, to: KeyState): boolean {
  return (MOVES[from] as readonly KeyState[]).includes(to);
}

/** @throws JwtrotError `illegal-move` (exit 5): a bug, or a manifest edited by hand; nothing may be committed */
export function assertLegalMove(kid: string, from: KeyState, to: KeyState): void {
  if (isLegalMove(from, to)) return;
  throw new JwtrotError('refused', 'illegal-move', `key ${kid} cannot go from ${from} to ${to}; nothing was changed`);
}

/** It has left the JWKS for good. */
export function isRetired<K extends { readonly state: KeyState }>(
  key: K,
): key is Extract<K, { readonly state: 'retired' | 'destroyed' }> {
  return key.state === 'retired' || key.state === 'destroyed';
}

export type PublishedState = 'pending' | 'active' | 'deprecated';

/** States in which a key is in the JWKS. */
export function isPublished(state: KeyState): state is PublishedState {
  return state === 'pending' || state === 'active' || state === 'deprecated';
}
