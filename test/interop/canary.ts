import { CLAIMS, TRUSTED_FOR } from './party.js';

const SKEW = 10;

/** The keyset of a party that is shown canaries: a retired key's private half is there until the second look at a verifier that was slow to drop it. */
export const KEYSET = { clockSkew: `${SKEW}s`, publishAhead: `${TRUSTED_FOR + SKEW}s` } as const;

/** The health of a verifier that shows what it does with tokens. */
export function canary(url: string, deadline: string): object {
  return { type: 'canary', url, claims: CLAIMS, ...hurried(deadline) };
}

export const hurried = (deadline: string): object => ({ every: '500ms', deadline });
