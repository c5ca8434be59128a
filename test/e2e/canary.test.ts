import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeJwt, decodeProtectedHeader, exportSPKI, generateKeyPair } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { kidOf, statesOf } from './look.js';
import type { Ran } from './world.js';

let site: Site;
const said: string[] = [];
afterEach(async () => {
  const { canaries } = (await site.gateway.get('/canaries')).body as { canaries: string[] };
  // Every canary went to that one URL, and nowhere else.
  for (const token of canaries) expect(said.join('\n')).not.toContain(token);
  await site.world.close();
  said.length = 0;
});

/** The gateway reports no kid: it is known by what it does with tokens. */
async function open(): Promise<void> {
  site = await openSite();
  site.world.configure(configured());
}

function configured(changes: object = {}, health: object = {}): object {
  const { issuer, gateway, configuration } = site;
  const reload = (pidFile: string) => ({ signal: 'HUP', pidFile, timeout: '2s' });
  const json = { url: `http://127.0.0.1:${issuer.port}/healthz`, deadline: '3s', timeout: '500ms' };
  const canary = {
    type: 'canary',
    url: `http://127.0.0.1:${gateway.port}/guarded`,
    claims: { aud: 'api' },
    every: '300ms',
    timeout: '500ms',
    deadline: '3s',
    ...health,
  };
  const services = [
    { name: 'issuer', role: 'signer', reload: reload(issuer.pidFile), health: json },
    { name: 'gateway', role: 'verifier', reload: reload(gateway.pidFile), health: canary },
  ];
  return configuration({ services, ...changes });
}

async function run(...args: string[]): Promise<Ran> {
  const ran = await site.world.run([...args, '--verbose']);
  said.push(ran.stdout, ran.stderr);
  return ran;
}

async function rotated(): Promise<void> {
  await open();
  const { code, stderr } = await run('rotate');
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

const behave = (manner: string) => site.gateway.get(`/manner?is=${encodeURIComponent(manner)}`);
const hasSecret = (kid: string) => existsSync(site.world.path(`store/api/keys/${kid}.json`));

async function canaries(): Promise<{ kid: string; claims: Record<string, unknown> }[]> {
  const { body } = await site.gateway.get('/canaries');
  return (body['canaries'] as string[]).map((token) => {
    return { kid: decodeProtectedHeader(token).kid ?? '', claims: decodeJwt(token) };
  });
}

describe('A verifier that is shown canaries', () => {
  it('lets a key sign once it accepts tokens of it, and is shown none before it was reloaded', async () => {
    await rotated();
    const first = await kidOf(site, 1);
    expect((await run('rotate', '--immediate')).code).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
    const second = await kidOf(site, 2);
    const sent = await canaries();
    // The control is of a kid that nobody has while no key is active; then it is the active one's. Then each key.
    const [before, own, after, ...rest] = sent.map(({ kid }) => kid);
    expect(own).toBe(first);
    for (const random of [before, after]) expect([first, second]).not.toContain(random);
    expect(new Set(rest)).toEqual(new Set([first, second]));
    expect(rest.indexOf(second)).toBeGreaterThan(1);
    const now = Date.now() / 1000;
    for (const { claims } of sent) {
      expect(claims).toEqual({
        aud: 'api',
        sub: 'jwtrot-canary',
        jti: expect.any(String),
        iat: expect.any(Number),
        exp: expect.any(Number),
      });
      expect(Number(claims['exp']) - Number(claims['iat'])).toBe(180);
      expect(Math.abs(now - 60 - Number(claims['iat']))).toBeLessThan(30);
    }
    expect(new Set(sent.map(({ claims }) => claims['jti'])).size).toBe(sent.length);
  });

  it('that has the key and rejects its tokens holds the gate shut', async () => {
    await rotated();
    expect((await run('rotate', '--force')).code).toBe(0);
    const second = await kidOf(site, 2);
    await behave(second);
    const { code, stderr } = await run('rotate', '--immediate');
    expect(code).toBe(4);
    expect(stderr).toContain(`gateway: does not accept "${second}"`);
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'pending' });
    await behave('right');
    expect((await run('rotate', '--immediate')).code).toBe(0);
  });

  it.each([
    ['rejects all', 'gateway: does not accept "'],
    ['busy', 'gateway: HTTP 429 to a canary'],
  ])('that %s confirms nothing', async (manner, reason) => {
    await rotated();
    await behave(manner);
    const { code, stderr } = await run('rotate', '--immediate');
    expect(code).toBe(4);
    expect(stderr).toContain(reason);
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'pending' });
  });

  it('that refuses every canary may lack nothing: the claims are in question, and the key is named once', async () => {
    await open();
    await behave('rejects all');
    const { code, stderr } = await run('rotate');
    const first = await kidOf(site, 1);
    const refused = 'it answered each canary with 401 (does it check iss or aud? See health.claims)';
    expect(code).toBe(4);
    expect(stderr).toContain(`did not confirm key ${first}: gateway: does not accept "${first}": ${refused}; `);
    expect((await run('status', '--probe')).stdout).toContain(refused);
  });

  it('that accepts a token with a wrong signature ends the run: its URL proves nothing', async () => {
    await rotated();
    await behave('accepts all');
    const { code, stderr } = await run('rotate', '--immediate');
    expect(code).toBe(2);
    expect(stderr).toContain(
      'gateway/gateway: it accepts a token with a wrong signature (HTTP 200), so its answers prove nothing',
    );
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'pending' });
    const probed = await run('status', '--probe');
    expect(probed.code).toBe(4);
    expect(probed.stdout).toContain('it accepts a token with a wrong signature');
  });

  it('shows that it rejects a retired key, whose private half is kept until the last look', async () => {
    await rotated();
    expect((await run('rotate', '--immediate')).code).toBe(0);
    const first = await kidOf(site, 1);
    const { code } = await run('retire', '--kid', first, '--deadline', '5s', '--yes');
    expect(code).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'active' });
    const kids = (await canaries()).map(({ kid }) => kid);
    // Before and after the rejection the active key was accepted.
    const [before, rejected, after] = kids.slice(-3);
    expect([before, after]).toEqual([await kidOf(site, 2), await kidOf(site, 2)]);
    expect(rejected).toBe(first);
    expect(hasSecret(first)).toBe(true);
  });

  it('that accepts a retired key still, or everything, shows no drop; an incident goes on with what there is', async () => {
    await rotated();
    expect((await run('rotate', '--immediate')).code).toBe(0);
    const first = await kidOf(site, 1);
    await behave('accepts all');
    const { code, stderr } = await run('retire', '--kid', first, '--deadline', '2s', '--yes');
    expect(code).toBe(4);
    expect(stderr).toContain('it accepts a token with a wrong signature');
    expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'active' });
    expect(hasSecret(first)).toBe(true);
    await behave('right');
    expect((await run('retire', '--kid', first, '--deadline', '3s', '--yes')).code).toBe(0);
  });

  it('is shown nothing of a purged key, and that is said', async () => {
    await rotated();
    expect((await run('rotate', '--immediate')).code).toBe(0);
    const first = await kidOf(site, 1);
    const { stderr, code } = await run('retire', '--kid', first, '--purge', '--deadline', '3s', '--yes');
    expect(code).toBe(0);
    expect(hasSecret(first)).toBe(false);
    expect(stderr).toContain(
      `no canary of ${first}: its private half is not there; whether verifiers reject it is not shown`,
    );
  });

  it('is not taken to reject a key that can not be unwrapped; only a proof that is given up is left out, and said', async () => {
    await rotated();
    expect((await run('rotate', '--immediate')).code).toBe(0);
    const first = await kidOf(site, 1);
    const secret = site.world.path(`store/api/keys/${first}.json`);
    const stored = readFileSync(secret, 'utf8');
    writeFileSync(secret, stored.replace(/\.[^."]{8}([^."]*")/, '.AAAAAAAA$1'));
    const args = ['retire', '--kid', first, '--deadline', '2s', '--yes'];
    const kept = await run(...args);
    expect(kept.code).toBe(4);
    expect(kept.stderr).toContain(
      `may still accept ${first}: gateway: no canary can be signed: the stored key ${first} of keyset api is damaged`,
    );
    expect(kept.stderr).toContain(`give this proof up: jwtrot retire --kid ${first} --purge`);
    expect(await statesOf(site)).toEqual({ v1: 'retired', v2: 'active' });

    const { code, document } = await site.world.json<RotateDocument>([...args, '--purge']);
    expect(code).toBe(0);
    expect(document.keysets[0]).toMatchObject({
      outcome: 'retired',
      problems: [
        {
          code: 'drop-not-shown',
          message: `it is not shown that gateway rejects ${first}: its private half is not there, so no canary of it was signed; no later run asks for it again`,
          hint: `make sure of it: send a token that ${first} has signed and that has not expired, or restart that service`,
        },
      ],
    });
    expect(document).not.toHaveProperty('error');
  });

  it('is reloaded once more where retire names a key of which nothing can be shown', async () => {
    await rotated();
    expect((await run('rotate', '--immediate')).code).toBe(0);
    const first = await kidOf(site, 1);
    const args = ['retire', '--kid', first, '--purge', '--deadline', '3s', '--yes'];
    expect((await run(...args)).code).toBe(0);
    const { code, stderr } = await run(...args);
    expect(code).toBe(0);
    expect(stderr).toContain(`gateway: reloaded whatever it accepts, since no canary of ${first} can be signed`);
    expect(stderr).toMatch(/gateway reloading/);
  });

  it('is shown nothing of a purged key: --quiet says so too', async () => {
    await rotated();
    expect((await run('rotate', '--immediate')).code).toBe(0);
    const first = await kidOf(site, 1);
    const quiet = await site.world.run(['retire', '--kid', first, '--purge', '--deadline', '3s', '--yes', '--quiet']);
    expect(quiet.code).toBe(0);
    expect(quiet.stderr).toContain(`api: it is not shown that gateway rejects ${first}: its private half is not there`);
    expect(quiet.stderr).toContain('hint: make sure of it: ');
    expect(quiet.stderr).not.toContain('jwtrot: ');
  });

  it('is shown nothing of a key that was imported by its public half, and that is said', async () => {
    await rotated();
    const { publicKey } = await generateKeyPair('ES256');
    const pem = await exportSPKI(publicKey);
    expect((await site.world.run(['import', '--public', '-'], { stdin: pem })).code).toBe(0);
    const { stderr, code } = await run('rotate', '--immediate');
    expect(code).toBe(0);
    expect(stderr).toMatch(/no canary of \S+: its private half is not there; whether verifiers accept it is not shown/);
    expect((await statesOf(site))['v3']).toBe('active');
  });

  it('is shown by status --probe, with what it accepts', async () => {
    await rotated();
    site.world.configure(configured({}, { confirmations: 2 }));
    const { code, stdout } = await run('status', '--probe');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^gateway +gateway +verifier +- +v1 +canary, sampled/m);
    const { document } = await site.world.json<{ services: object[] }>(['status', '--probe']);
    expect(document.services).toMatchObject([
      { proof: 'reported' },
      { proof: 'canary, sampled', kids: [await kidOf(site, 1)] },
    ]);
  });

  it('never lets a key sign at once, unless all its workers are told apart', async () => {
    await open();
    const atOnce = { unlistedVerifiers: false, jwksMaxAge: '0s', publishAhead: '0s' };
    site.world.configure(configured(atOnce));
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--dry-run']);
    expect(code).toBe(2);
    expect(JSON.stringify(document.error)).toContain('every verifier polled (by canaries: with distinct)');
    site.world.configure(configured(atOnce, { distinct: { pointer: '/worker', count: 2 } }));
    expect((await site.world.json(['rotate', '--dry-run'])).code).toBe(0);
  });
});
