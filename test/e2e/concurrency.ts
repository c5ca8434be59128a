import { afterEach, describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';
import { type Ran, until } from './world.js';

const AT_ONCE = 16;

/** Nothing waits for time; services may be slow while so many processes start at once. */
function configure(site: Site, policy: object): void {
  const { keysets } = site.configuration({
    unlistedVerifiers: false,
    jwksMaxAge: '0s',
    publishAhead: '0s',
    ...policy,
  }) as { keysets: { api: { services: { reload: object; health: object }[] } } };
  for (const { reload, health } of keysets.api.services) {
    Object.assign(reload, { timeout: '20s' });
    Object.assign(health, { deadline: '60s', timeout: '10s' });
  }
  site.world.configure({ ...site.configuration(), keysets });
}

/** Every run at the same instant; whoever is not the one that works says so with 75, or finds the work done. */
async function allAtOnce(site: Site, args: readonly string[]): Promise<{ codes: Set<number | null>; odd: object[] }> {
  const runs = await Promise.all(
    Array.from({ length: AT_ONCE }, () => site.world.json<Partial<RotateDocument>>([...args])),
  );
  const odd = runs.filter(({ code }) => code !== 0 && code !== 75);
  return { codes: new Set(runs.map(({ code }) => code)), odd };
}

/**
 * The same for what each run would do anew: the one that works waits for the gateway, which stands still until all the
 * others have ended.
 */
async function allWhileOneWaits(
  site: Site,
  args: readonly string[],
): Promise<{ codes: (number | null)[]; odd: Ran[] }> {
  const { pid } = site.gateway;
  const ended: Ran[] = [];
  process.kill(pid, 'SIGSTOP');
  const runs = Array.from({ length: AT_ONCE }, async () => void ended.push(await site.world.run([...args])));
  try {
    await until(() => ended.length >= AT_ONCE - 1, 'all but one have ended', 90_000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await Promise.all(runs);
  return { codes: ended.map(({ code }) => code), odd: ended.filter(({ code }) => code !== 0 && code !== 75) };
}

async function keysOf(site: Site) {
  return (await site.world.json<StatusDocument>(['status'])).document.keysets[0]!.keys;
}

/** Sixteen runs of the real command, the same whatever the store is. */
export function concurrencySuite(name: string, open: () => Promise<Site>): void {
  describe(`sixteen runs at once on ${name}`, () => {
    let site: Site;
    afterEach(() => site.world.close());

    it('make one key, and rotate to one key', { timeout: 180_000 }, async () => {
      site = await open();
      configure(site, {});
      const first = await allAtOnce(site, ['rotate']);
      expect(first.odd).toEqual([]);
      expect(first.codes).toContain(0);
      expect((await keysOf(site)).map(({ version, state }) => `v${version} ${state}`)).toEqual(['v1 active']);
      const token = await mint(site);

      // Asked for sixteen times, done once: afterwards the active key is of that algorithm.
      configure(site, { alg: 'ES384' });
      const second = await allAtOnce(site, ['rotate', '--change-alg']);
      expect(second.odd).toEqual([]);
      expect(second.codes).toContain(0);
      const keys = await keysOf(site);
      expect(keys.map(({ version, state }) => `v${version} ${state}`)).toEqual(['v1 deprecated', 'v2 active']);
      expect(
        site.world
          .readJson('public/jwks.json')
          .keys.map(({ kid }) => kid)
          .sort(),
      ).toEqual(keys.map(({ kid }) => kid).sort());
      expect((await site.issuer.get('/healthz')).body['kid']).toBe(keys[1]!.kid);
      expect([await accepts(site, token), await accepts(site, await mint(site))]).toEqual([true, true]);
      // Asked for by each: whoever does not find the lease free says so.
      const third = await allWhileOneWaits(site, ['rotate', '--force']);
      expect(third.odd).toEqual([]);
      expect(third.codes.filter((code) => code === 0)).toHaveLength(1);
      expect((await keysOf(site)).map(({ version, state }) => `v${version} ${state}`)).toEqual([
        'v1 deprecated',
        'v2 deprecated',
        'v3 active',
      ]);
      expect([await accepts(site, token), await accepts(site, await mint(site))]).toEqual([true, true]);
      const after = await site.world.json<RotateDocument>(['rotate']);
      expect(after).toMatchObject({ code: 0, document: { keysets: [{ outcome: 'nothing-due' }] } });
    });
  });
}
