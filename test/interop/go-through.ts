import { describe } from 'vitest';
import type { PartyKind } from './party.js';
import { signerTrouble } from './signer-trouble.js';
import { story } from './story.js';
import { verifierTrouble } from './verifier-trouble.js';

/** All that a party of the suite goes through. */
export function goThrough(kind: PartyKind): void {
  describe(kind.name, () => {
    describe('under traffic', () => story(kind));
    describe('with something out of order', () =>
      kind.role === 'verifier' ? verifierTrouble(kind) : signerTrouble(kind));
  });
}
