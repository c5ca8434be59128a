import { JwtrotError } from './error.js';

/** Life of a key; NIST SP 800-57 part 1 section 7 in brackets. */
export const KEY_STATES = [
  'creating',
  'pending', // pre-activation
  'active', // active
  'deprecated', // deactivated
  'retired', // deactivated or compromised
  'destroyed', // destroyed
] as const;

export type KeyState = (typeof KEY_STATES)[number];

const MOVES: Readonly<Record<KeyState, readonly KeyState[]>> = {
  creating: ['pending', 'retired'],
  pending: ['active', 'retired'],
  active: ['deprecated', 'retired'],
  deprecated: ['active', 'retired'],
  retired: ['destroyed'],
  destroyed: [],
};

export function isLegalMove(from: KeyState, to: KeyState): boolean {
  return MOVES[from].includes(to);
}

/** @throws JwtrotError `illegal-move` (exit 5): a bug or a manifest edited by hand; nothing may be committed. */
export function assertLegalMove(kid: string, from: KeyState, to: KeyState): void {
  if (isLegalMove(from, to)) return;
  throw new JwtrotError('refused', 'illegal-move', `key ${kid} cannot go from ${from} to ${to}; nothing was changed`);
}

/** States in which a key is in the JWKS. */
export function isPublished(state: KeyState): boolean {
  return state === 'pending' || state === 'active' || state === 'deprecated';
}
