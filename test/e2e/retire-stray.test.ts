import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RotateDocument, Site, StatusDocument } from './fixtures.js';
import { kidOf, publishedKids } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
});

/** A pair of somebody's own. */
function newPair(kid?: string) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', ...(kid === undefined ? {} : { kid }) };
  const { d: _, ...publicHalf } = jwk;
  return { jwk, publicHalf, pem: String(privateKey.export({ format: 'pem', type: 'pkcs8' })) };
}

/** Somebody who may write the JWKS adds a key of theirs. */
function plant(entry: object): void {
  const path = site.world.path('public/jwks.json');
  const { keys } = JSON.parse(readFileSync(path, 'utf8')) as { keys: object[] };
  writeFileSync(path, `${JSON.stringify({ keys: [...keys, entry] }, null, 2)}\n`);
}

async function retire(...named: string[]) {
  const { code, document } = await site.world.json<RotateDocument>(['retire', ...named, '--yes', '--deadline', '10s']);
  const [api] = document.keysets ?? [];
  return { code, outcome: api?.outcome, problems: api?.problems.map((one) => one.code), error: document.error?.code };
}

async function states(): Promise<string[]> {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys.map(({ kid, state }) => `${kid} ${state}`);
}

describe('a key that only an outlet knows', () => {
  it('is retired by its kid: out of the outlet, never accepted again, and nothing else changes', async () => {
    const active = await kidOf(site, 1);
    plant(newPair('attacker-1').publicHalf);
    expect((await site.world.run(['rotate'])).code).toBe(5);
    expect(await retire('--kid', 'attacker')).toEqual({ code: 0, outcome: 'retired', problems: [], error: undefined });
    expect(publishedKids(site)).toEqual([active]);
    expect(await states()).toEqual([`${active} active`, 'attacker-1 retired']);
    expect((await site.gateway.get('/healthz')).body['kids']).toEqual([active]);
    expect((await site.world.run(['rotate'])).code).toBe(0);
  });

  it('is one key, whatever names it was given', async () => {
    const active = await kidOf(site, 1);
    const { publicHalf, pem } = newPair();
    for (const kid of ['attacker-1', 'attacker-2']) plant({ ...publicHalf, kid });
    writeFileSync(site.world.path('theirs.pem'), pem);
    // The other name is in no manifest: it is said that it went, too.
    expect(await retire('--key', 'theirs.pem')).toMatchObject({ code: 4, problems: ['unknown-kid'], error: undefined });
    expect(publishedKids(site)).toEqual([active]);
    expect((await site.world.run(['rotate'])).code).toBe(0);
  });

  it('is retired by the key itself, under its thumbprint where its name is that of a key in use', async () => {
    const active = await kidOf(site, 1);
    const theirs = newPair(active);
    plant(theirs.publicHalf);
    writeFileSync(site.world.path('theirs.pem'), theirs.pem);
    const { stderr, code } = await site.world.run(['retire', '--key', 'theirs.pem', '--yes', '--deadline', '10s']);
    expect(stderr).toMatch(/^key {12}api \S{43} \(ES256, not in the store but in \S+jwks\.json\)$/m);
    expect(code).toBe(0);
    expect(publishedKids(site)).toEqual([active]);
    expect((await states()).map((one) => one.split(' ')[1])).toEqual(['active', 'retired']);
    expect((await states())[0]).toBe(`${active} active`);
  });

  it('may be anything that is no key: then it is said where it is', async () => {
    plant({ kty: 'oct', kid: 'shared-secret', k: 'AAAA' });
    const { code, document } = await site.world.json<RotateDocument>(['retire', '--kid', 'shared-secret', '--yes']);
    expect({ code, error: document.error?.code }).toEqual({ code: 2, error: 'unfit-key' });
    expect(document.error?.message).toContain('jwks.json holds "shared-secret"');
  });
});

describe('a key that nobody knows but who holds it', () => {
  it('gets a tombstone, and that nobody here knew it is no success', async () => {
    writeFileSync(site.world.path('leaked.jwk'), JSON.stringify(newPair('from-elsewhere').jwk));
    expect(await retire('--key', 'leaked.jwk')).toMatchObject({
      code: 4,
      outcome: 'retired',
      problems: ['key-unknown'],
    });
    expect((await states())[1]).toBe('from-elsewhere retired');
    // It never returns, under whatever name.
    const { d: _, ...publicHalf } = JSON.parse(readFileSync(site.world.path('leaked.jwk'), 'utf8'));
    writeFileSync(site.world.path('public.jwk'), JSON.stringify(publicHalf));
    const named = await site.world.json<RotateDocument>(['import', '--public', 'public.jwk', '--kid', 'another-name']);
    expect({ code: named.code, error: named.document.error?.code }).toEqual({ code: 5, error: 'retired-key' });
  });

  it('is not found by a kid alone', async () => {
    expect(await retire('--kid', 'nobody-knows-me')).toMatchObject({ code: 2, error: 'no-such-key' });
  });
});
