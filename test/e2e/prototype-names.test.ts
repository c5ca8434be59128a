import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Site } from './fixtures.js';
import { kidOf } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
let web: Server;
let kid: string;
/** What the server of the JWKS answers. */
let served = '{}';

/** A set whose keys bear names that every object of JavaScript answers for. */
const hostile = JSON.stringify({
  keys: ['constructor', '__proto__', 'toString', 'hasOwnProperty'].map((kty) => ({
    kty,
    kid: kty,
    n: 'AQAB',
    crv: kty,
  })),
});

const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
  web = createServer((_, response) => response.end(served));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  kid = await kidOf(site, 1);
});
afterEach(() => new Promise((resolve) => web.close(resolve)));

describe('a JWK Set of keys whose type is constructor, __proto__ or toString', () => {
  it('that is served where the set is read back is named, and a retire is done', async () => {
    served = hostile;
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/jwks.json`;
    site.world.configure(site.configuration({ publish: [{ file: site.world.path('public/jwks.json'), url }] }));
    const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '1s']);
    expect({ code, stderr }).toMatchObject({ code: 4 });
    expect(stderr).toContain(`${url}: it does not serve`);
    expect(stderr).not.toContain('unforeseen');
    expect(site.world.readJson('public/jwks.json').keys.map((key) => key.kid)).not.toContain(kid);
  });

  it('that lies in an outlet’s file stops nothing but what could overwrite it', async () => {
    writeFileSync(site.world.path('public/jwks.json'), hostile);
    for (const args of [['status'], ['rotate', '--dry-run'], ['sync'], ['rotate']]) {
      const { code, stderr } = await site.world.run(args);
      expect({ args, code, stderr }).not.toMatchObject({ code: 1 });
      expect(stderr).not.toContain('unforeseen');
    }
    writeFileSync(site.world.path('public/jwks.json'), hostile);
    const retired = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '1s']);
    expect(retired.stderr).not.toContain('unforeseen');
    expect(retired.code).not.toBe(1);
  });

  it('that a verifier reports is a reason to wait, no more', async () => {
    served = hostile;
    const { port } = web.address() as AddressInfo;
    const health = { type: 'jwks', url: `http://127.0.0.1:${port}/`, deadline: '1s', timeout: '500ms' };
    const gateway = { name: 'gateway', role: 'verifier', reload: 'none', health };
    site.world.configure(site.configuration({ services: [gateway], deliver: [] }));
    const { code, stdout, stderr } = await site.world.run(['status', '--probe']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('"constructor" "__proto__" "toString" "hasOwnProperty"');
    const rotated = await site.world.run(['rotate', '--immediate']);
    expect(rotated.stderr).not.toContain('unforeseen');
    expect(rotated.code).not.toBe(1);
  });

  it('or a single such key is nothing to import', async () => {
    const file = JSON.stringify(site.world.path('key.jwk'));
    for (const kty of ['constructor', '__proto__', 'toString']) {
      writeFileSync(site.world.path('key.jwk'), JSON.stringify({ kty, kid: kty, n: 'AQAB', e: 'AQAB', d: 'AQAB' }));
      for (const kind of ['--jwk', '--public']) {
        const { code, stderr } = await site.world.run(['import', kind, site.world.path('key.jwk')]);
        expect({ code, stderr }).toEqual({
          code: 2,
          stderr: `jwtrot: ${file} holds no key that can be imported: the JWK has no kty out of RSA, EC and OKP; nothing was changed\nhint: give the whole key, as whoever made it has it\n`,
        });
      }
    }
    const { code, stderr } = await site.world.run(['retire', '--key', site.world.path('key.jwk'), '--yes']);
    const found = `jwtrot: ${file} holds no key that can be found: the JWK has no kty out of RSA, EC and OKP; nothing was changed\nhint: name it by its kid: jwtrot retire --kid KID\n`;
    expect({ code, stderr }).toEqual({ code: 2, stderr: found });
  });
});

describe('a kid that looks like an option', () => {
  it('is a kid to every verb that takes one', async () => {
    const words = ['-Vabcdefgh', '-kabcdefgh', '-cabcdefgh', '-hxyzabcdef', '--abcdefgh'];
    const asked = [...words.map((word) => ['--kid', word]), ['--kid=--version'], ['--kid=--json']];
    const runs = asked.map((kid) => site.world.run(['retire', ...kid, '--yes']));
    for (const { code, stdout, stderr } of await Promise.all(runs)) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('no key of api in');
    }
  });

  it('is missing where an option of jwtrot follows by its whole name, and the way to mean it is said', async () => {
    const words = ['--version', '--help', '--json'];
    const runs = words.map((word) => site.world.run(['retire', '--kid', word, '--yes']));
    for (const [i, { code, stdout, stderr }] of (await Promise.all(runs)).entries()) {
      expect({ code, stdout }).toEqual({ code: 2, stdout: words[i] === '--json' ? expect.any(String) : '' });
      expect(`${stdout}${stderr}`).toContain(`--kid has no value: ${words[i]} is an option itself`);
      expect(`${stdout}${stderr}`).toContain(`--kid=${words[i]}`);
    }
  });

  it('is imported with it, and retired by it', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(site.world.path('public.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
    const odd = '-Vtoken-2026';
    const imported = await site.world.run(['import', '--public', site.world.path('public.pem'), '--kid', odd]);
    expect(imported).toMatchObject({ code: 0, stdout: `api: imported v2 ${odd} (ES256) as deprecated\n` });
    const retired = await site.world.run(['retire', '--kid', odd, '--yes', '--deadline', '1s']);
    expect(retired.code).toBe(0);
    expect(retired.stderr).toContain(`api v2 ${odd}`);
  });
});
