import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RotateDocument, Site } from './fixtures.js';
import { publishedKids, statesOf } from './look.js';
import { scene } from './scene.js';

let site: Site;
const fresh = scene(async () => {});
beforeEach(async () => {
  site = await fresh();
});

/** A pair in use before jwtrot: `NAME.pem`, `NAME.jwk`, and its public half in both: `NAME.pub.pem`, `NAME.pub.jwk`. */
function place(name: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const members = { kid: name, alg: 'ES256' };
  const write = (as: string, text: string | Buffer) =>
    writeFileSync(site.world.path(`${name}.${as}`), text, { mode: 0o600 });
  write('pem', privateKey.export({ format: 'pem', type: 'pkcs8' }));
  write('jwk', JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...members }));
  write('pub.pem', publicKey.export({ format: 'pem', type: 'spki' }));
  write('pub.jwk', JSON.stringify({ ...publicKey.export({ format: 'jwk' }), ...members }));
}

async function refusal(...args: string[]) {
  const { code, document } = await site.world.json<RotateDocument>(['import', ...args]);
  return { exit: code, code: document.error?.code, message: document.error?.message, hint: document.error?.hint };
}

const TO_PUBLIC = {
  pem: 'openssl pkey -in old-1.pem -pubout',
  jwk: "jq 'del(.d, .p, .q, .dp, .dq, .qi)' old-1.jwk",
} as const;

describe('jwtrot import beside an active key', () => {
  it.each(['pem', 'jwk'] as const)('says exactly what to do instead of --%s', async (form) => {
    await site.world.run(['rotate']);
    place('old-1');
    const refused = await refusal(`--${form}`, `old-1.${form}`, '--kid', 'old-1');
    expect(refused).toMatchObject({ exit: 5, code: 'has-active-key' });
    expect(refused.message).toMatch(
      /^keyset api has an active key already, v1 \S{43}, and one key signs at a time; nothing was changed$/,
    );
    expect(refused.hint?.split('; ')).toEqual([
      `to accept its tokens as well: ${TO_PUBLIC[form]} | jwtrot import --keyset api --public - --kid=old-1`,
      'if it has to sign, since the store was restored from a backup: jwtrot store recover --keyset api',
      `if it leaked: jwtrot retire --keyset api --key old-1.${form}`,
    ]);
    // What the first of these commands prints.
    const stdin = readFileSync(site.world.path(`old-1.pub.${form}`));
    const imported = await site.world.run(['import', '--keyset', 'api', '--public', '-', '--kid=old-1'], { stdin });
    expect(imported.stdout).toBe('api: imported v2 old-1 (ES256) as deprecated\n');
    await site.world.run(['rotate']);
    expect(publishedKids(site)).toContain('old-1');
  });

  it('has nothing to do for that very key', async () => {
    place('old-1');
    await site.world.run(['import', '--pem', 'old-1.pem', '--kid', 'old-1']);
    const refused = await refusal('--jwk', 'old-1.jwk', '--kid', 'another');
    expect(refused).toMatchObject({ exit: 5, code: 'has-active-key', hint: 'there is nothing to do: jwtrot status' });
    expect(refused.message).toContain('keyset api has this very key already, as v1 old-1 (active)');
  });
});

describe('jwtrot import of a key that was retired', () => {
  it('is refused under any kid, before anything is written (trace 23)', async () => {
    place('old-1');
    await site.world.run(['import', '--pem', 'old-1.pem', '--kid', 'old-1']);
    await site.world.run(['rotate']);
    expect((await site.world.run(['retire', '--kid', 'old-1', '--yes', '--deadline', '10s'])).code).toBe(0);
    const before = await statesOf(site);
    for (const kid of ['old-1', 'old-2']) {
      const refused = await refusal('--pem', 'old-1.pem', '--kid', kid);
      expect({ exit: refused.exit, code: refused.code, text: refused.message }).toEqual({
        exit: 5,
        code: 'retired-key',
        text: 'key "old-1" was retired from keyset api, as this host remembers: it never returns, under whatever kid; nothing was changed',
      });
    }
    expect(await statesOf(site)).toEqual(before);
    // A clash of names alone is another matter.
    place('new');
    const named = await refusal('--public', 'new.pub.pem', '--kid', 'old-1');
    expect(named).toMatchObject({ exit: 5, code: 'kid-used', hint: expect.stringContaining('--kid OTHER') });
    expect(named.message).toContain('has had another key named "old-1", v1 (retired)');
    expect((await site.world.run(['import', '--public', 'new.pub.pem', '--kid', 'old-2'])).code).toBe(0);
  });
});
