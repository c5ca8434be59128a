import { describe, expect, it, vi } from 'vitest';
import { THEMES } from '../themes.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/services/service.js', async (load) => ({
  ...(await load<typeof import('../../../src/services/service.js')>()),
  preloads: () => false,
}));

describe('A gate that does not ask signers what they hold', () => {
  it('is found by the simulation', async () => {
    const theme = THEMES.findIndex(([name]) => name.startsWith('signers that show the next key'));
    expect(invariantsOf(await search({ seeds: 60, theme, all: true }))).toContain('I3');
  });
});
