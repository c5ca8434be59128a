import { describe, expect, it, vi } from 'vitest';
import { THEMES } from '../themes.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/services/wanted.js', async (load) => {
  const real = await load<typeof import('../../../src/services/wanted.js')>();
  const judge: typeof real.judge = (service, report, wanted) =>
    !report.ok && report.reason.includes('does not verify') ? { met: true } : real.judge(service, report, wanted);
  return { ...real, judge };
});

describe('A token that is not verified', () => {
  it('is found by the simulation', async () => {
    const theme = THEMES.findIndex(([name]) => name === 'signers that are asked for tokens');
    expect(invariantsOf(await search({ seeds: 60, theme, all: true }))).toContain('P2');
  });
});
