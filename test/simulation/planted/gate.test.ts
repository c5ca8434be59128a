import { describe, expect, it, vi } from 'vitest';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/rollout/steps/verifiers.js', async () => {
  const { activated, keyOf, verifiersConfirmed } = await import('../../../src/keyset/transitions.js');
  type Run = import('../../../src/rollout/run.js').Run;
  return {
    confirmVerifiers: async (run: Run, kid: string) => {
      await run.ledger.commit((m, at) => (keyOf(m, kid).state === 'pending' ? verifiersConfirmed(m, kid, at) : null));
      return {};
    },
    activate: async (run: Run, kid: string) => {
      const { policy } = run.context;
      await run.ledger.commit((m, at) => (keyOf(m, kid).state === 'pending' ? activated(m, kid, policy, at) : null));
      return {};
    },
  };
});

describe('A rollout that skips the gate', () => {
  it('is found by the simulation', async () => {
    const found = await search({ seeds: 50 });
    expect(found).toHaveLength(3);
    expect(invariantsOf(found)).toContain('I3');
  });
});
