import { describe, expect, it, vi } from 'vitest';
import { THEMES } from '../themes.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/keyset/planning/key-rules.js', async (load) => {
  const real = await load<typeof import('../../../src/keyset/planning/key-rules.js')>();
  const deleteSecret: typeof real.deleteSecret = (known) => {
    const { dropsByCanary: _, ...policy } = known.policy;
    return real.deleteSecret({ ...known, policy });
  };
  return { ...real, deleteSecret };
});

describe('A private half that is deleted before the last look', () => {
  it('is found by the simulation', async () => {
    const theme = THEMES.findIndex(([name]) => name === 'verifiers that are shown canaries');
    expect(invariantsOf(await search({ seeds: 60, theme, all: true }))).toContain('P4');
  });
});
