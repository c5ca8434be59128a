import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, signsWith, statesOf } from './look.js';
import { runAll, scene } from './scene.js';

/*
 * A key was retired while the store failed: this host alone remembers it. Then the store answers again.
 */

let site: Site;
let former: string;
let active: string;
const rotatedTwice = scene((made) => runAll(made, 'rotate', 'rotate --immediate'));
beforeEach(async () => {
  site = await rotatedTwice();
  [former, active] = [await kidOf(site, 1), await kidOf(site, 2)];
});

/** While `work` runs the store can be neither read nor written. */
async function withoutStore(work: () => Promise<void>): Promise<void> {
  const store = site.world.path('store');
  renameSync(store, `${store}.away`);
  writeFileSync(store, '');
  try {
    await work();
  } finally {
    rmSync(store);
    renameSync(`${store}.away`, store);
  }
}

async function retire(...options: string[]) {
  const args = ['retire', '--yes', '--deadline', '10s', ...options];
  const { code, document } = await site.world.json<RotateDocument>(args);
  const [api] = document.keysets ?? [];
  return { code, outcome: api?.outcome, said: api?.problems.map((one) => one.code) };
}

async function retireUntold(kid: string): Promise<void> {
  await withoutStore(async () => {
    const { code, said } = await retire('--kid', kid);
    expect({ code, last: said?.at(-1) }).toEqual({ code: 4, last: 'store-failed' });
  });
  expect(publishedKids(site)).not.toContain(kid);
  expect(await site.world.run(['rotate'])).toMatchObject({ code: 5, stderr: expect.stringContaining('tell it: ') });
}

describe('a retirement that the store was not told of', { timeout: 120_000 }, () => {
  it('has the replacement wait for verifiers though an earlier incident is over and its drop awaits a recheck', async () => {
    await runAll(site, 'rotate --immediate');
    const signing = await kidOf(site, 3);
    expect((await site.world.run(['retire', '--kid', former, '--yes', '--deadline', '1s'])).code).toBe(0);
    await retireUntold(signing);
    const { code, stderr } = await site.world.run(['retire', '--kid', signing, '--yes', '--deadline', '20s']);
    expect(stderr).toContain('wait until each verifier accepts');
    expect(stderr).not.toContain('the deadline has passed');
    expect(code).toBe(0);
  });

  it.each(['the active key', 'the former key'])(
    'is told with the next one of another key, and a replacement signs: of %s (trace 32)',
    async (which) => {
      const [first, next] = which === 'the active key' ? [active, former] : [former, active];
      await retireUntold(first);
      expect(await retire('--kid', next)).toEqual({ code: 0, outcome: 'retired', said: [] });
      expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'retired', v3: 'active' });
      const replacement = await kidOf(site, 3);
      expect([publishedKids(site), deliveredKid(site), await signsWith(site)]).toEqual([
        [replacement],
        replacement,
        replacement,
      ]);
      expect(await accepts(site, await mint(site))).toBe(true);
      expect(await site.world.run(['rotate'])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('nothing due'),
      });
    },
  );

  it('is said of another key, and what that one comes to is no other than usual', async () => {
    await retireUntold(former);
    const { code, stderr } = await site.world.run(['retire', '--kid', active, '--yes', '--deadline', '10s']);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(
      `history        this host has retired "${former}" before: the store is told now, too\n` +
        'exposure       ends within 10s, whoever answers; a replacement signs first\n',
    );
  });
});

describe('a replacement that is made because of another key that the store was not told of', {
  timeout: 120_000,
}, () => {
  const announced = async () => {
    const { code, stderr } = await site.world.run(['retire', '--kid', former, '--yes', '--deadline', '10s']);
    expect(code, stderr).toBe(0);
    expect(await statesOf(site)).toMatchObject({ v3: 'active' });
    return stderr;
  };

  it('is announced', async () => {
    await retireUntold(active);
    expect(await announced()).toContain('exposure       ends within 10s, whoever answers; a replacement signs first\n');
  });

  it('is announced where the key itself was retired already, too', async () => {
    await withoutStore(async () => {
      for (const kid of [former, active]) expect((await retire('--kid', kid, '--no-replacement')).code).toBe(4);
    });
    expect(await announced()).toContain(
      'exposure       the key has left every outlet here; verifiers may still accept it; a replacement is made\n',
    );
  });
});

describe('what is said of the exposure of a key that this host has retired already', { timeout: 120_000 }, () => {
  const jwks = () => site.world.path('public/jwks.json');

  it('is what verifiers still accept, where no outlet holds it', async () => {
    await retireUntold(active);
    const { code, stderr } = await site.world.run(['retire', '--kid', active, '--yes', '--deadline', '10s']);
    expect(stderr).toContain(
      'exposure       the key has left every outlet here; verifiers may still accept it; a replacement is made\n',
    );
    expect(code).toBe(0);
  });

  it('is where it still is, and until when, where somebody has put it there again', async () => {
    const before = readFileSync(jwks());
    await retireUntold(active);
    writeFileSync(jwks(), before);
    const { code, stderr } = await site.world.run(['retire', '--kid', active, '--yes', '--deadline', '10s']);
    expect(stderr).not.toContain('has ended here');
    expect(stderr).toContain(
      `exposure       the key is still in ${jwks()}: ends within 10s, whoever answers; a replacement is made\n`,
    );
    expect(code, stderr).toBe(0);
    expect(publishedKids(site)).toEqual([former, deliveredKid(site)]);
  });

  it('may be where nothing can be read, too', async () => {
    await retireUntold(active);
    writeFileSync(jwks(), 'garbage');
    const { stderr } = await site.world.run(['retire', '--kid', active, '--yes', '--deadline', '10s']);
    expect(stderr).not.toContain('has ended here');
    expect(stderr).toContain(
      `exposure       the key may be in ${jwks()}, which can't be read: ends within 10s, whoever answers; `,
    );
    expect(publishedKids(site)).not.toContain(active);
  });
});
