import { describe, expect, it, vi } from 'vitest';
import type { Report } from '../../../src/services/service.js';
import { THEMES } from '../themes.js';
import { invariantsOf, search } from './search.js';

vi.mock('../../../src/services/canary.js', async () => {
  type Show = import('../../../src/services/canary.js').Show;
  return {
    probeByCanary: async ({ canaries, health, send }: Show, kids: readonly string[]): Promise<Report> => {
      const accepted: string[] = [];
      const active = canaries.activeKid();
      for (const kid of active === null ? kids : [active, ...kids]) {
        const signed = await canaries.sign(kid, health);
        if ('token' in signed && (await send(signed.token)).status === 200) accepted.push(kid);
      }
      // Whatever it does not accept counts as rejected, and the active key as accepted in any case.
      const rejects = kids.filter((kid) => !accepted.includes(kid));
      return { ok: true, kid: null, kids: active === null ? accepted : [...accepted, active], rejects, worker: null };
    },
  };
});

describe('A rejection that counts without an acceptance beside it', () => {
  it('is found by the simulation', async () => {
    const theme = THEMES.findIndex(([name]) => name === 'verifiers that are shown canaries');
    expect(invariantsOf(await search({ seeds: 100, theme, all: true, enough: 8 }))).toContain('P3');
  });
});
