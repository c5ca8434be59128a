import { describe, expect, it, vi } from 'vitest';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/rollout/steps/verifiers.js', async () => {
  const { activated, keyOf, verifiersConfirmed } = await import('../../../src/keyset/transitions/all.js');
  type Run = import('../../../src/rollout/run.js').Run;
  type Named = { readonly kid: string };
  return {
    confirmVerifiers: async (run: Run, { kid }: Named) => {
      await run.ledger.commit((m, { at }) =>
        keyOf(m, kid).state === 'pending' ? verifiersConfirmed(m, kid, at) : null,
      );
      return {};
    },
    activate: async (run: Run, { kid }: Named) => {
      await run.ledger.commit((m, now) => (keyOf(m, kid).state === 'pending' ? activated(m, kid, now) : null));
      return {};
    },
  };
});

describe('A rollout that skips the gate', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 50, enough: 12, all: true });
    expect(found).toHaveLength(12);
    expect(invariantsOf(found)).toContain('I3');
  });
});
