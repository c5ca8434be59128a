import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type Site } from './fixtures.js';

let site: Site;
afterEach(() => site.world.close());

async function rotated(): Promise<Site> {
  site = await openSite();
  expect((await site.world.run(['rotate'])).code).toBe(0);
  return site;
}

/** The gateway's health, looked at in a place where it reports nothing. */
async function misread(): Promise<void> {
  const { configuration, world } = site;
  const { services } = (configuration() as { keysets: { api: { services: { name: string; health: object }[] } } })
    .keysets.api;
  const changed = services.map((one) =>
    one.name === 'gateway' ? { ...one, health: { ...one.health, kids: '/jwt/kids' } } : one,
  );
  world.configure(configuration({ services: changed }));
}

describe('status --probe', () => {
  it('exits 0 where everybody reports what his role has to', async () => {
    const { world } = await rotated();
    const { code, stdout } = await world.run(['status', '--probe']);
    expect(stdout).toMatch(/issuer\s+issuer\s+signer\s+v1/);
    expect(code).toBe(0);
    expect((await world.run(['status', '--check', '--probe'])).stdout).toMatch(/^JWTROT OK - api: active v1/);
  });

  it('exits 4 and says so where one can not be reached', async () => {
    const { world, issuer } = await rotated();
    await issuer.stop();
    const { code, stdout } = await world.run(['status', '--probe']);
    expect(stdout).toMatch(/issuer\s+issuer\s+signer\s+-\s+-\s+reported\s+connection refused/);
    expect(code).toBe(4);
    const check = await world.run(['status', '--check', '--probe']);
    expect(check.stdout).toMatch(/^JWTROT WARNING - api: active v1 is .*; issuer: connection refused \|/);
    expect(check.code).toBe(1);
  });

  it('shows an answer of the wrong form as an error', async () => {
    const { world } = await rotated();
    await misread();
    const { code, stdout } = await world.run(['status', '--probe']);
    expect(stdout).toMatch(/gateway .*reports no list of accepted kids \(looked at \/kid and \/jwt\/kids\)/);
    expect(code).toBe(4);
    const { document, code: exit } = await world.json<{ services: { service: string; error: string | null }[] }>([
      'status',
      '--probe',
    ]);
    expect(document.services.find((one) => one.service === 'gateway')?.error).toContain('no list of accepted kids');
    expect(document.services.find((one) => one.service === 'issuer')?.error).toBeNull();
    expect(exit).toBe(4);
  });
});

describe('a change of the key kind that waits', () => {
  it('is said by rotate, rotate --dry-run, status and status --check, and done by --change-alg', async () => {
    const { world, configuration } = await rotated();
    world.configure(configuration({ alg: 'ES384' }));
    const text = 'the configuration asks for ES384; keys stay ES256 until jwtrot rotate --change-alg';
    expect((await world.run(['rotate'])).stderr).toContain(`api: ${text}`);
    expect((await world.run(['rotate', '--force', '--dry-run'])).stderr).toContain(text);
    expect((await world.run(['status'])).stdout).toContain(text);
    const check = await world.run(['status', '--check']);
    expect(check.stdout).toContain(text);
    expect(check.code).toBe(1);
    const forced = await world.run(['rotate', '--force', '--immediate']);
    expect(forced.stderr).toContain(text);
    expect(forced.stderr).toContain('(asked for by --immediate)');
    expect((await world.run(['rotate', '--change-alg', '--immediate'])).code).toBe(0);
    const { document } = await world.json<{ keysets: { keys: { alg: string; state: string }[] }[] }>(['status']);
    expect(document.keysets[0]?.keys.find((key) => key.state === 'active')?.alg).toBe('ES384');
    expect((await world.run(['status', '--check'])).code).toBe(0);
  });
});

describe('when the next key will sign', () => {
  it('is said by rotate --force, by its dry run and by status, with the sum that counts', async () => {
    site = await openSite();
    const { world, configuration } = site;
    world.configure(configuration({ jwksMaxAge: '5s', publishAhead: '65s' }));
    expect((await world.run(['rotate'])).code).toBe(0);
    // The gateway is reloaded by a signal: nobody can say before its deadline (3 s) that it has taken effect.
    const sum = 'no older JWKS is left: jwksMaxAge 5s + clockSkew 1m + slowest verifier reload 3s';
    const dry = await world.run(['rotate', '--force', '--dry-run']);
    expect(dry.stdout).toMatch(/^api: then activate in 1m [6-8]s \(/m);
    expect(dry.stdout).toContain(sum);
    const forced = await world.run(['rotate', '--force']);
    expect(forced.stdout).toMatch(/next: activate in 1m [5-8]s \(no older JWKS is left/);
    const { stdout } = await world.run(['status']);
    expect(stdout).toMatch(/v2 {3}pending .*signs in 1m/);
    expect(stdout).toMatch(/v1 {3}active .*v2 takes its place in 1m/);
    expect(stdout).toContain(sum);
  });
});
