import { writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { keepInAws } from '../crash/keeping.js';
import { Site } from '../crash/site.js';

const HOUR = 3_600_000;
/** Under which the first key signed, and what came after it. */
const LONG = { maxTokenTtl: '1h', verifyFor: '2h' };
const SHORT = { maxTokenTtl: '1s', verifyFor: '30s' };

let site: Site;
afterEach(() => site.close());

/** A run of the real command after so much time. */
async function later(duration: number): Promise<{ code: number | null; stderr: string }> {
  const clock = site.world.path('clock');
  writeFileSync(clock, String(duration));
  site.keeping.advance(duration);
  const { code, stderr } = await site.start(['rotate'], { clock }).ended;
  site.keeping.advance(-duration);
  return { code, stderr };
}

async function states(): Promise<string[]> {
  return (await site.manifest())?.keys.map(({ version, state }) => `v${version} ${state}`) ?? [];
}

describe('a policy that was made shorter', () => {
  for (const [name, open] of [
    ['directory', () => Site.open()],
    ['Secrets Manager', () => Site.open(keepInAws)],
  ] as const) {
    it(`does not shorten the life of a key that signed under the longer one (${name})`, async () => {
      site = await open();
      site.configure(LONG);
      await site.run('rotate');
      const token = (await site.services.mint()) ?? '';
      site.configure(SHORT);
      await site.run('rotate', '--immediate');
      // When no reload can bring the former key back any more its clock starts.
      expect(await later(HOUR / 20)).toEqual({ code: 0, stderr: expect.any(String) });
      expect((await later(HOUR)).code).toBe(0);
      expect(await states()).toEqual(['v1 deprecated', 'v2 active']);
      expect(await site.services.accepts(token)).toBe(true);
      expect((await later(3 * HOUR)).code).toBe(0);
      expect(await states()).toEqual(['v1 retired', 'v2 active']);
    });
  }

  it('is in force for a key that signed under it alone', async () => {
    site = await Site.open();
    site.configure(SHORT);
    await site.run('rotate');
    await site.run('rotate', '--immediate');
    expect((await later(HOUR / 20)).code).toBe(0);
    expect((await later(HOUR)).code).toBe(0);
    expect(await states()).toEqual(['v1 retired', 'v2 active']);
  });
});
