import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, statesOf } from './look.js';
import { runAll, scene } from './scene.js';

/** The issuer reads what the command puts in place. While a file of one of these names is there, it does that instead. */
const TAKE = `#!/bin/sh
set -eu
key=$(cat; echo .)
if test -e broken; then echo "no route to the vault" >&2; exit 3; fi
if test -e leaking; then printf '%s' "\${key%.}"; printf '%s' "\${key%.}" >&2; exit 3; fi
if test -e hanging; then sleep 300; fi
printf '%s' "\${key%.}" > private/api.jwk.new
mv private/api.jwk.new private/api.jwk
if test -e slow; then echo "$JWTROT_KID" > taken; sleep 300; fi
`;
/** The kid in the JWK itself: it is there once the whole key is. */
const HOLDS = `#!/bin/sh
if test -e blind; then exit 1; fi
if test -e mute; then sleep 300; fi
sed -n 's/^  "kid": "\\(.*\\)",$/\\1/p' private/api.jwk 2>/dev/null || true
`;

async function withCommand(site: Site, timeout = '5s'): Promise<void> {
  const { world } = site;
  const script = (name: string, text: string) => {
    writeFileSync(world.path(name), text.replace('\n', `\ncd ${world.folder}\n`));
    chmodSync(world.path(name), 0o755);
    return world.path(name);
  };
  const deliver = [{ command: [script('take', TAKE)], holds: [script('holds', HOLDS)], format: 'jwk', timeout }];
  world.configure(site.configuration({ deliver }));
}

let site: Site;
const fresh = scene(withCommand);
const rotated = scene(async (made) => {
  await withCommand(made);
  await runAll(made, 'rotate');
});
const hasty = scene(async (made) => {
  await withCommand(made, '1s');
  await runAll(made, 'rotate');
});

const file = (name: string) => site.world.path(name);
const make = (name: string) => writeFileSync(file(name), '');
const mend = (name: string) => rmSync(file(name), { force: true });
const rotate = (...args: string[]) => site.world.json<RotateDocument>(['rotate', '--immediate', ...args]);

describe('a key that a command delivers', () => {
  it('reaches the issuer in rotations, a rollback and an incident, and no token is rejected on the way', async () => {
    site = await fresh();
    await runAll(site, 'rotate');
    const before = await mint(site);
    expect(deliveredKid(site)).toBe(await kidOf(site, 1));
    await runAll(site, 'rotate --immediate');
    expect(deliveredKid(site)).toBe(await kidOf(site, 2));
    const after = await mint(site);
    expect([await accepts(site, before), await accepts(site, after)]).toEqual([true, true]);
    await runAll(site, 'rollback --yes');
    expect(deliveredKid(site)).toBe(await kidOf(site, 1));
    expect(await accepts(site, await mint(site))).toBe(true);
    const leaked = await kidOf(site, 1);
    await runAll(site, `retire --kid ${leaked} --yes`);
    expect(deliveredKid(site)).not.toBe(leaked);
    expect([await accepts(site, before), await accepts(site, await mint(site))]).toEqual([false, true]);
  });

  it('is noticed to be lost, or to be a former one: a rotate puts it back, and so does sync', async () => {
    site = await rotated();
    const first = readFileSync(file('private/api.jwk'));
    for (const verb of ['sync', 'rotate']) {
      expect((await site.world.run(['status', '--probe'])).code).toBe(0);
      rmSync(file('private/api.jwk'));
      const { code, stderr } = await site.world.run(['status', '--probe']);
      expect(code).toBe(4);
      expect(stderr).toMatch(/^jwtrot: keyset api: deliver command take holds no key; the active one is \S+\nhint: /m);
      await runAll(site, verb);
      expect(deliveredKid(site)).toBe(await kidOf(site, 1));
    }
    await runAll(site, 'rotate --immediate');
    for (const verb of ['sync', 'rotate']) {
      writeFileSync(file('private/api.jwk'), first);
      await runAll(site, verb);
      expect(deliveredKid(site)).toBe(await kidOf(site, 2));
    }
  });

  it('is not given over one that nobody knows', async () => {
    site = await rotated();
    const strange = readFileSync(file('private/api.jwk'), 'utf8').replace(/"kid": ".*"/, '"kid": "strange"');
    writeFileSync(file('private/api.jwk'), strange);
    const { code, stderr } = await site.world.run(['rotate']);
    expect(code).toBe(5);
    expect(stderr).toMatch(
      /keyset api does not know the key in deliver command take: .*\nhint: run holds of .* by hand/,
    );
    expect(stderr).not.toContain('strange');
    expect(readFileSync(file('private/api.jwk'), 'utf8')).toBe(strange);
  });
});

describe('a deliver command that fails', () => {
  it.each(['broken', 'leaking'])(
    '(%s) after the switch leaves the former key to sign; a later run goes on',
    async (how) => {
      site = await rotated();
      make(how);
      const { code, document, stderr } = await rotate();
      expect(code).toBe(4);
      expect(document.keysets[0]?.problems).toMatchObject([{ code: 'outlet-command-failed' }]);
      const shown = JSON.stringify(document) + stderr;
      expect(shown).toMatch(/deliver command take did not take key .*: exit 3;/);
      expect(shown).not.toMatch(/"d"|no route/);
      expect(publishedKids(site)).toHaveLength(2);
      expect(await accepts(site, await mint(site))).toBe(true);
      mend(how);
      expect((await rotate('--force')).code).toBe(0);
      expect(deliveredKid(site)).toBe(await kidOf(site, 2));
      expect(await accepts(site, await mint(site))).toBe(true);
    },
  );

  it('by hanging is ended at its time limit', async () => {
    site = await hasty();
    make('hanging');
    const { code, document } = await rotate();
    expect(code).toBe(4);
    expect(document.keysets[0]?.problems[0]?.message).toContain('not done within 1s');
    expect(await accepts(site, await mint(site))).toBe(true);
    mend('hanging');
    expect((await rotate('--force')).code).toBe(0);
  });

  it('to say what is there holds the switch up: nobody could see the key arrive', async () => {
    site = await rotated();
    make('blind');
    const { code, stderr } = await site.world.run(['rotate', '--immediate']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/what deliver command take holds is not known: .*exit 1/);
    expect((await statesOf(site))['v1']).toBe('active');
  });

  it('to say what is there holds up the first key, too, and no key is said to be there', async () => {
    site = await fresh();
    make('blind');
    for (const args of [['rotate'], ['rotate', '--dry-run']]) {
      const { code, stderr } = await site.world.run(args);
      expect(code).toBe(4);
      expect(stderr).toMatch(/what deliver command take holds is not known: its holds: exit 1 /);
      expect(stderr).toMatch(/^hint: run holds by hand: it must print the kid alone/m);
      expect(stderr).not.toMatch(/does not know|move the file away/);
    }
    mend('blind');
    await runAll(site, 'rotate');
    expect(deliveredKid(site)).toBe(await kidOf(site, 1));
  });

  it('holds up no incident: the leaked key leaves the JWKS, and what still holds it is named', async () => {
    site = await rotated();
    make('broken');
    const leaked = await kidOf(site, 1);
    const { code, stderr } = await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '3s']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/deliver command take did not take key/);
    expect(publishedKids(site)).not.toContain(leaked);
    expect(deliveredKid(site)).toBe(leaked);
    mend('broken');
    await runAll(site, 'rotate --force');
    expect(publishedKids(site)).toEqual([deliveredKid(site)]);
    expect(await accepts(site, await mint(site))).toBe(true);
  });

  it('and holds no less: an incident gives the key all the same', async () => {
    site = await rotated();
    make('blind');
    const leaked = await kidOf(site, 1);
    const { code, stderr } = await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '3s']);
    expect(code).toBe(4);
    expect(stderr).toMatch(/what deliver command take holds is not known/);
    expect(deliveredKid(site)).not.toBe(leaked);
    expect(publishedKids(site)).not.toContain(leaked);
  });

  it.each([
    ['it hangs', ['hanging']],
    ['its holds hangs', ['mute']],
    ['both hang', ['hanging', 'mute']],
  ])('holds up no incident where %s: the leaked key leaves the JWKS at the deadline', async (_, ways) => {
    site = await rotated();
    ways.map(make);
    const leaked = await kidOf(site, 1);
    const args = ['retire', '--kid', leaked, '--yes', '--deadline', '5s'];
    const { code, stderr } = await site.world.run(args);
    expect(publishedKids(site)).not.toContain(leaked);
    expect(code).toBe(4);
    expect(stderr).toMatch(/deliver command take (did not take key|holds is not known)/);
    expect(stderr).toMatch(/run it again|run holds by hand/);
    expect(stderr.match(/not done within 2s/g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  it('to take a key away, where none replaces it: what is left there is said', async () => {
    site = await rotated();
    const leaked = await kidOf(site, 1);
    const args = ['retire', '--kid', leaked, '--yes', '--no-replacement', '--deadline', '3s'];
    const { code, stderr } = await site.world.run(args);
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /deliver command take can be given another key, but none: the key that is there stays there/,
    );
    expect(publishedKids(site)).toEqual([]);
    const probed = await site.world.run(['status', '--probe']);
    expect(probed.code).toBe(4);
    expect(probed.stderr).toMatch(
      /deliver command take still holds a key, and none is active\nhint: take it away by hand/,
    );
  });
});

describe('an imported key whose kid no holds could print', () => {
  it.each(['two words', 'a\nb', 'a\u0000b', 'a\u00a0b', 'x'.repeat(201)])(
    'is refused, unless it only verifies (%j)',
    async (kid) => {
      site = await fresh();
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const member = { kid, alg: 'ES256' };
      const { d, ...half } = privateKey.export({ format: 'jwk' });
      writeFileSync(file('old.jwk'), JSON.stringify({ ...half, d, ...member }), { mode: 0o600 });
      writeFileSync(file('half.jwk'), JSON.stringify({ ...half, ...member }));
      const { code, stderr } = await site.world.run(['import', '--jwk', 'old.jwk']);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^jwtrot: the kid "[^\n]+" is not one word of at most 200 characters, .*; nothing was changed$/m,
      );
      expect(stderr).toContain('hint: --kid KID');
      expect((await site.world.run(['import', '--public', 'half.jwk'])).code).toBe(0);
      // That kid would do: the refusal is that the pair has another one by now.
      expect((await site.world.run(['import', '--jwk', 'old.jwk', '--kid', 'x'.repeat(200)])).code).toBe(5);
    },
  );

  it('is taken where its kid is one word, and delivered', async () => {
    site = await fresh();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file('old.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 });
    await runAll(site, 'import --pem old.pem --kid ünïcode/1=+', 'rotate');
    expect(deliveredKid(site)).toBe('ünïcode/1=+');
  });
});

describe('a run that is killed while its command works', () => {
  it('is finished by the next, which gives the key again', async () => {
    site = await rotated();
    make('slow');
    const { child, ended } = site.world.start(['rotate', '--immediate']);
    await expect.poll(() => existsSync(file('taken')), { timeout: 60_000, interval: 50 }).toBe(true);
    child.kill('SIGKILL');
    await ended;
    mend('slow');
    expect((await rotate('--force')).code).toBe(0);
    expect(deliveredKid(site)).toBe(await kidOf(site, 2));
    expect((await statesOf(site))['v2']).toBe('active');
    expect(await accepts(site, await mint(site))).toBe(true);
  });
});
