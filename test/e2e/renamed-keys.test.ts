import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { editManifest, readRecord, storedNames } from './backups.js';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { kidOf, publishedKids, statesOf } from './look.js';

/*
 * Somebody who may write the store, and not this host, has a leaked key and exchanges names in the manifest: the incident is
 * to take out another pair.
 */

let site: Site;
let kids: { old: string; newer: string };
beforeEach(async () => {
  site = await openSite();
  await site.world.run(['rotate']);
  await site.world.run(['rotate', '--immediate']);
  kids = { old: await kidOf(site, 1), newer: await kidOf(site, 2) };
});
afterEach(() => site.world.close());

interface Entry {
  kid: string;
  thumbprint: string;
}

/** Each key gets the kid that `names` says. */
function rename(names: Record<string, string>): void {
  const name = (kid: unknown) => names[String(kid)] ?? kid;
  editManifest(site.world, (manifest) => ({
    ...manifest,
    keys: (manifest['keys'] as Entry[]).map((key) => ({ ...key, kid: name(key.kid) })),
  }));
}

function swap(): void {
  rename({ [kids.old]: kids.newer, [kids.newer]: kids.old });
}

/** What the JWKS holds: the coordinates tell material whatever it is called. */
function coordinates(): string[] {
  const jwks = site.world.readJson<{ keys: { kid: string; x: string }[] }>('public/jwks.json');
  return jwks.keys.map(({ kid, x }) => `${kid} ${x}`);
}

async function retire(...options: string[]) {
  const { code, document } = await site.world.json<RotateDocument>([
    'retire',
    '--yes',
    '--deadline',
    '10s',
    ...options,
  ]);
  const [api] = document.keysets ?? [];
  return { code, outcome: api?.outcome, said: api?.problems.at(-1), error: document.error };
}

describe('kids that were exchanged in the manifest (trace 30)', () => {
  it.each(['old', 'newer'] as const)(
    'retire --kid takes out the pair that is published under it: the %s one',
    async (which) => {
      const other = which === 'old' ? 'newer' : 'old';
      const stays = coordinates().filter((one) => one.startsWith(kids[other]));
      const before = storedNames(site.world);
      swap();
      const { code, outcome, said } = await retire('--kid', kids[which]);
      expect({ code, outcome }).toEqual({ code: 4, outcome: 'retired' });
      expect(coordinates()).toEqual(stays);
      expect(said?.message).toContain(
        `${site.world.path('public/jwks.json')} holds key "${kids[which]}" (thumbprint ${kids[which]}), and the store has under that kid another key (thumbprint ${kids[other]})`,
      );
      expect(said?.message).toContain('the store does not know of the retirement yet, this host remembers it');
      expect(said?.hint).toContain('jwtrot store recover --keyset api');
      expect(readRecord(site.world).retired).toEqual([{ kid: kids[which], thumbprint: kids[which], isLeaving: true }]);
      expect(storedNames(site.world)).toEqual(before);
      // Nothing brings it back, and asked again it is the same key.
      for (const verb of ['rotate', 'sync']) expect((await site.world.run([verb])).code).toBe(5);
      expect((await retire('--kid', kids[which])).code).toBe(4);
      expect(coordinates()).toEqual(stays);
      if (which === 'old') return;
      // What the hint says: each pair has its own name again.
      expect((await site.world.run(['store', 'recover', '--yes'])).code).toBe(0);
      expect((await site.world.run(['rotate'])).code).toBe(0);
      expect(coordinates()).toEqual(stays);
      expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'retired' });
      expect(await kidOf(site, 1)).toBe(kids.old);
    },
    120_000,
  );

  it('the key that was given itself goes by its own name', async () => {
    const pem = readFileSync(site.world.path('private/api.jwk'), 'utf8');
    const stays = coordinates().filter((one) => one.startsWith(kids.old));
    swap();
    const { code } = await site.world.run(['retire', '--key', '-', '--yes', '--deadline', '10s'], { stdin: pem });
    expect(code).toBe(4);
    expect(coordinates()).toEqual(stays);
    expect((await retire('--kid', kids.newer)).code).toBe(4);
    expect(coordinates()).toEqual(stays);
    // That kid is another pair's by now, as far as the manifest says, and nobody here knows it by that.
    expect(publishedKids(site)).toEqual([kids.old]);
  }, 120_000);

  it('a retirement that was recorded before takes no other pair out', async () => {
    const both = coordinates();
    editManifest(site.world, (manifest) => ({
      ...manifest,
      retirements: [
        {
          kid: kids.old,
          reason: 'compromised',
          requestedAt: new Date().toISOString(),
          deadlineAt: new Date().toISOString(),
        },
      ],
    }));
    swap();
    for (const verb of ['rotate', 'sync']) {
      const { code, stderr } = await site.world.run([verb]);
      expect(code).toBe(5);
      expect(stderr).toContain('holds another history of keyset api than this host knows');
    }
    expect(coordinates()).toEqual(both);
    expect((await retire('--kid', kids.old)).code).toBe(4);
    expect(publishedKids(site)).toEqual([kids.newer]);
  }, 120_000);
});

describe('a key that was renamed in the manifest', () => {
  it('is found by the kid that it is published under, again and again', async () => {
    const stays = coordinates().filter((one) => one.startsWith(kids.newer));
    rename({ [kids.old]: 'harmless' });
    for (const attempt of [1, 2]) {
      const { code, said } = await retire('--kid', kids.old);
      expect({ attempt, code }).toEqual({ attempt, code: 4 });
      expect(said?.message).toContain('the store has that key under the kid "harmless"');
      expect(coordinates()).toEqual(stays);
    }
  }, 120_000);

  it('is not taken for another one that this host has published: nothing tells which is meant', async () => {
    rename({ [kids.old]: 'harmless' });
    const { code, error } = await retire('--kid', 'harmless');
    expect({ code, error: error?.code }).toEqual({ code: 5, error: 'other-pair' });
    expect(error?.message).toContain(`holds as "${kids.old}"`);
    expect(error?.hint).toContain('jwtrot retire --keyset api --key FILE');
    expect(publishedKids(site)).toEqual([kids.old, kids.newer]);
  });
});

describe('an honest store', () => {
  it('is none of that: each key goes by its kid, its beginning or its thumbprint, and the store knows of it', async () => {
    expect((await retire('--kid', kids.old.slice(0, 10))).code).toBe(0);
    expect((await retire('--kid', kids.newer)).code).toBe(0);
    expect(publishedKids(site)).toEqual([await kidOf(site, 3)]);
  }, 120_000);
});
