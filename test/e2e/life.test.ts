import { afterEach, describe, expect, it } from 'vitest';
import { accepts, mint, openSite, type Site, type StatusDocument } from './fixtures.js';

let site: Site;
afterEach(() => site.world.close());

/** A keyset in fast motion: every verifier reads the file itself and is polled, so nothing is waited for by time. */
const FAST = {
  maxTokenTtl: '2s',
  rotateEvery: '3s',
  jwksMaxAge: '0s',
  publishAhead: '0s',
  unlistedVerifiers: false,
  clockSkew: '0s',
  verifyFor: '6s',
};

describe('the whole life of keys, run by run', () => {
  it('goes from pending to retired by itself, and no token is rejected on the way', async () => {
    site = await openSite();
    site.world.configure(site.configuration(FAST));
    const rejected: string[] = [];
    let minted = 0;
    const end = Date.now() + 16_000;
    const tokens: { token: string; until: number }[] = [];
    let highest = 0;
    let first = '';
    await site.world.run(['rotate']);
    // On a busy machine it takes longer to get that far.
    while (Date.now() < end || minted <= 5 || highest < 3 || first !== 'retired') {
      const { code, stderr } = await site.world.run(['rotate']);
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      const token = await mint(site);
      tokens.push({ token, until: Date.now() + 2_000 });
      minted += 1;
      for (const one of tokens.filter(({ until }) => until > Date.now())) {
        if (!(await accepts(site, one.token)) && one.until > Date.now()) rejected.push(one.token);
      }
      const { document } = await site.world.json<StatusDocument>(['status']);
      const keys = document.keysets[0]!.keys;
      expect(keys.filter((key) => key.state === 'active')).toHaveLength(1);
      highest = Math.max(...keys.map((key) => key.version));
      first = keys.find((key) => key.version === 1)?.state ?? '';
    }
    expect(rejected).toEqual([]);
    expect(minted).toBeGreaterThan(5);
    expect(highest).toBeGreaterThanOrEqual(3);
    const { document } = await site.world.json<StatusDocument>(['status']);
    const states = Object.fromEntries(document.keysets[0]!.keys.map((key) => [key.version, [key.state, key.reason]]));
    expect(states[1]).toEqual(['retired', 'expired']);
    const published = site.world.readJson('public/jwks.json').keys.map((key) => key.kid);
    expect(published).not.toContain(document.keysets[0]!.keys.find((key) => key.version === 1)!.kid);
  }, 120_000);
});

describe('what a run prints where nobody watches', () => {
  it('is a line per event on standard error, and the result on standard output', async () => {
    site = await openSite();
    const { stdout, stderr } = await site.world.run(['rotate']);
    const kid = site.world.readJson('public/jwks.json').keys[0]!.kid;
    const short = `${kid.slice(0, 10)}…`;
    expect(stdout).toMatch(
      new RegExp(`^api: rotated; active v1 ${kid}, [0-5]s old; next: stage in 88d 23h \\(.*\\)\\n$`),
    );
    expect(stderr.split('\n')).toEqual([
      'api: generate, wrap and store a new key: ES256 (the first key)',
      `api:   wrapped by local KEK ${site.world.path('kek')}`,
      'api: write the outlets and read them back (a new key)',
      'api: wrote the JWKS',
      `api: wait until each verifier accepts ${short} (a new key)`,
      'api:   gateway reloading',
      'api:   gateway confirmed',
      'api:   1 confirmed',
      `api: pass the gate and activate ${short} (every verifier can know it)`,
      'api:   gateway confirmed',
      'api: write the outlets and read them back (the active key changed)',
      'api: wrote the signing key',
      `api: wait until each signer signs with ${short} (the active key changed)`,
      'api:   issuer reloading',
      'api:   issuer confirmed',
      'api:   1 confirmed',
      '',
    ]);
  });

  it('is nothing with --quiet, and no colour in a pipe', async () => {
    site = await openSite();
    const loud = await site.world.run(['rotate'], { env: { FORCE_COLOR: '1' } });
    expect(loud.stderr).not.toContain('\u001b');
    const { stdout, stderr } = await site.world.run(['rotate', '--quiet']);
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  });
});
