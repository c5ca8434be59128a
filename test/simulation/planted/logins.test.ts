import { describe, expect, it, vi } from 'vitest';
import { THEMES } from '../themes.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/services/polls.js', () => ({
  limitedPolls: () => ({ phase: () => {}, isSpent: () => false, add: () => {} }),
  loginInterval: () => 1_000,
  SPENT: 'never',
}));

describe('Tokens that are asked for as often as kids are', () => {
  it('are found by the simulation', async () => {
    const theme = THEMES.findIndex(([name]) => name === 'signers that are asked for tokens');
    expect(invariantsOf(await search({ seeds: 60, theme, all: true }))).toContain('P1');
  });
});
