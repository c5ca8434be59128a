import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { backUp, newestRecord, readRecord, restore } from './backups.js';
import { accepts, mint, openSite, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, signsWith, statesOf } from './look.js';
import { type RecoverDocument, recover, recoverKeys } from './recovering.js';
import { runAll, scene } from './scene.js';

let site: Site;

async function rotate(...options: string[]): Promise<{ code: number | null; error: string | undefined }> {
  const { code, document } = await site.world.json<RotateDocument>(['rotate', ...options]);
  return { code, error: document.error?.code };
}

/** v1 signed before v2, and both were in the backup; then v1 was retired, and v3 made. `restore` puts the backup back. */
const afterRetire = scene(async (made) => {
  await runAll(made, 'rotate', 'rotate --immediate');
  backUp(made.world);
  await runAll(made, `retire --kid=${await kidOf(made, 1)} --yes --deadline 10s`, 'rotate --immediate');
});
async function retiredAndRotated(): Promise<string> {
  site = await afterRetire();
  return kidOf(site, 1);
}
const begun = scene((made) => runAll(made, 'rotate'));

/** The operator's word for the keys that are published, but for those. */
function adopt(...except: string[]): string[] {
  const kids = publishedKids(site).filter((kid) => !except.includes(kid));
  return kids.flatMap((kid) => ['--adopt', kid]);
}

describe('store recover, after an older store was put back', { timeout: 90_000 }, () => {
  it('keeps what was retired retired, adopts what was made since, and no token is rejected', async () => {
    const leaked = await retiredAndRotated();
    const second = await kidOf(site, 2);
    const third = deliveredKid(site);
    const token = await mint(site);
    restore(site.world);
    expect(await rotate()).toEqual({ code: 5, error: 'other-history' });

    const looked = await recover(site, '--dry-run');
    expect(looked).toMatchObject({
      code: 0,
      document: { dryRun: true, keysets: [{ because: 'lower-revision', next: 'jwtrot rotate' }] },
    });
    expect(recoverKeys(looked.document)).toEqual({ [leaked]: 'retired', [second]: 'deprecated', [third]: 'active' });
    expect(await rotate()).toEqual({ code: 5, error: 'other-history' });

    const before = readRecord(site.world);
    expect((await recover(site, '--yes')).code).toBe(0);
    const after = readRecord(site.world);
    expect(after.lineage).not.toBe(before.lineage);
    expect(after.revision).toBeGreaterThan(before.revision + 999_999);
    expect(after.retired.map(({ kid }) => kid)).toContain(leaked);
    expect(await accepts(site, token)).toBe(true);

    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(publishedKids(site).sort()).toEqual([second, third].sort());
    expect(deliveredKid(site)).toBe(third);
    expect(await signsWith(site)).toBe(third);
    expect(await accepts(site, token)).toBe(true);
    expect(await accepts(site, await mint(site))).toBe(true);
    expect(await recover(site, '--yes')).toMatchObject({
      code: 0,
      document: { keysets: [{ because: null, next: null }] },
    });
    expect(await rotate('--immediate')).toEqual({ code: 0, error: undefined });
    expect(await accepts(site, token)).toBe(true);
  });

  it('says at 3 a.m. who knows what, and what it is going to do', async () => {
    const leaked = await retiredAndRotated();
    restore(site.world);
    const { code, stdout, stderr } = await site.world.run(['store', 'recover', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^keyset {5}api\nstore {6}directory .*: revision \d+ of 20.*Z\nthis host {2}remembers revision \d+, 1 retired\n/,
    );
    expect(stdout).toMatch(
      /so {9}the store holds revision \d+, this host has seen revision \d+: an older copy was restored\n/,
    );
    expect(stdout).toMatch(
      new RegExp(`\\nv1 ${leaked.slice(0, 10)}… +deprecated +stored +retired +retired, says this host\\n`),
    );
    expect(stdout).toMatch(/\n\S{10}… +unknown +- +active +signers hold it; it is stored anew from /);
    expect(stdout).toMatch(/\nOUTLET +AS GIVEN +RECORD +HOLDS\n/);
    expect(stdout).toMatch(/\nissuer +\S+ +-\n/);
    expect(stdout).toMatch(
      /going to:\n- begin another history at revision 1000\d+, which names the former ones\n- let \S+ sign\n- store its private half anew, from /,
    );
    expect(stderr).toBe('next: jwtrot rotate\n');
    const asked = await site.world.run(['store', 'recover']);
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('run it again with --yes') });
  });

  it('in the midst of an incident: what was retired stays so, and the incident can be ended', async () => {
    site = await begun();
    await rotate('--immediate');
    backUp(site.world);
    const leaked = await kidOf(site, 2);
    await site.gateway.stop();
    expect((await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '2s'])).code).toBe(4);
    const third = deliveredKid(site);
    restore(site.world);
    expect((await recover(site, '--yes', ...adopt())).code).toBe(0);
    const open = { code: 2, stdout: expect.stringContaining(`${leaked} is being retired and may still be accepted`) };
    expect(await site.world.run(['status', '--check'])).toMatchObject(open);
    const rotated = await site.world.json<RotateDocument>(['rotate']);
    expect(rotated.code).toBe(4);
    expect(JSON.stringify(rotated.document.keysets[0])).toContain(`1 of 1 may still accept ${leaked}`);
    expect(await site.world.run(['status', '--check'])).toMatchObject(open);
    expect(publishedKids(site)).not.toContain(leaked);
    expect(publishedKids(site)).toContain(third);
    expect(await signsWith(site)).toBe(third);
    expect((await statesOf(site))['v2']).toBe('retired');
    expect((await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '2s'])).code).toBe(4);
  });

  it('takes secrets that were made after the backup for what they are (trace 29)', async () => {
    site = await begun();
    const first = await kidOf(site, 1);
    cpSync(site.world.path('store/api/manifest'), site.world.path('manifest'), { recursive: true });
    await rotate('--immediate');
    await rotate('--immediate');
    const [second, third] = [await kidOf(site, 2), await kidOf(site, 3)];
    rmSync(site.world.path('store/api/manifest'), { recursive: true });
    cpSync(site.world.path('manifest'), site.world.path('store/api/manifest'), { recursive: true });
    const { document } = await recover(site, '--yes', ...adopt());
    expect(recoverKeys(document)).toEqual({ [first]: 'deprecated', [second]: 'deprecated', [third]: 'active' });
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(publishedKids(site)).toHaveLength(3);
    expect(await signsWith(site)).toBe(third);
  });
});

describe('store recover, after the store was lost', { timeout: 90_000 }, () => {
  async function lost(): Promise<{ leaked: string; second: string; third: string; token: string }> {
    const leaked = await retiredAndRotated();
    const found = { leaked, second: await kidOf(site, 2), third: deliveredKid(site), token: await mint(site) };
    rmSync(site.world.path('store'), { recursive: true });
    return found;
  }

  it('begins again from what this host and its outlets know, and stores the signing key anew', async () => {
    const { leaked, second, third, token } = await lost();
    expect(await rotate()).toEqual({ code: 5, error: 'other-history' });
    const { code, document } = await recover(site, '--yes');
    expect({ code, because: document.keysets[0]?.because }).toEqual({ code: 0, because: 'lost' });
    expect(recoverKeys(document)).toEqual({ [leaked]: 'tombstone', [second]: 'deprecated', [third]: 'active' });
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(publishedKids(site).sort()).toEqual([second, third].sort());
    expect(await accepts(site, token)).toBe(true);
    // Wrapped and stored: it can be delivered again.
    rmSync(site.world.path('private/api.jwk'));
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(deliveredKid(site)).toBe(third);
  });

  it('owes a look at verifiers where the lost store owed one after the retirement', async () => {
    const { leaked } = await lost();
    expect((await recover(site, '--yes')).code).toBe(0);
    const check = () => site.world.run(['status', '--check']);
    const open = { code: 2, stdout: expect.stringContaining(`${leaked} is being retired and may still be accepted`) };
    expect(await check()).toMatchObject(open);
    // Its private half is gone: rotate does all that is left, so that is what status names.
    expect((await site.world.run(['status'])).stdout).toMatch(/ is being retired \(\S+\): jwtrot rotate goes on\n/);
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect((await check()).stdout).not.toContain(leaked);
  });

  it('has retire say that this host had retired the key, and that the store must be recovered', async () => {
    const { leaked } = await lost();
    const { code, document } = await site.world.json<RotateDocument>(['retire', '--kid', leaked, '--yes']);
    const [keyset] = document.keysets;
    expect({ code, outcome: keyset?.outcome }).toEqual({ code: 4, outcome: 'retired' });
    const [problem] = keyset?.problems ?? [];
    expect(problem?.code).toBe('other-history');
    expect(problem?.message).toContain('the store has no such keyset any more');
    expect(problem?.message).toContain(`this host has retired key "${leaked}" already: the key is not in`);
    expect(problem?.hint).toBe('next: jwtrot store recover --keyset api');
    expect(existsSync(site.world.path('store'))).toBe(false);
  });

  it('has retire ask verifiers for a key of which only its tombstone was made', async () => {
    const { leaked } = await lost();
    expect((await recover(site, '--yes')).code).toBe(0);
    const { code, document } = await site.world.json<RotateDocument>(['retire', '--kid', leaked, '--yes']);
    expect(code).toBe(0);
    expect(document.keysets[0]?.actions.map(({ type }) => type)).toContain('recheck-drop');
  });

  it.each(['recover', 'rotate'])('killed before the signing key was stored, the next %s goes on', async (verb) => {
    const { third, token } = await lost();
    // Its first commit has landed; then it can't wrap. Its lease ends with its process.
    site.world.eachAProcess = true;
    const kek = site.world.path('kek');
    const mode = 'in the way';
    cpSync(kek, site.world.path('kek.kept'));
    writeFileSync(kek, mode);
    expect((await recover(site, '--yes', ...adopt())).code).toBe(5);
    expect(Object.values(await statesOf(site))).toContain('creating');
    cpSync(site.world.path('kek.kept'), kek);
    if (verb === 'recover') expect((await recover(site, '--yes', ...adopt())).code).toBe(0);
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(await signsWith(site)).toBe(third);
    expect(await accepts(site, token)).toBe(true);
  });

  it('adopts nobody’s key from a shared JWKS directory (trace 22)', async () => {
    const { third, second, token } = await lost();
    const jwks = site.world.readJson<{ keys: object[] }>('public/jwks.json');
    const evil = {
      kty: 'EC',
      crv: 'P-256',
      x: 'gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0',
      y: 'SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps',
      kid: 'evil',
      alg: 'ES256',
      use: 'sig',
    };
    writeFileSync(site.world.path('public/jwks.json'), JSON.stringify({ keys: [...jwks.keys, evil] }, null, 2));
    const refused = await recover(site, '--yes');
    expect(refused).toMatchObject({
      code: 5,
      document: { error: { code: 'undecided-keys', message: expect.stringContaining('"evil" (in ') } },
    });
    expect(existsSync(site.world.path('store'))).toBe(false);
    // Nobody vouches for the other keys of that file either: they are named, as the hint says.
    const { code, document } = await recover(site, '--yes', '--retired', 'evil', ...adopt('evil'));
    expect(code).toBe(0);
    expect(recoverKeys(document)).toMatchObject({ [third]: 'active', [second]: 'deprecated', evil: 'retired' });
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(publishedKids(site).sort()).toEqual([second, third].sort());
    expect(await accepts(site, token)).toBe(true);
  });

  it('by a host that remembers nothing asks for the retirements, and says how', async () => {
    const { leaked, third } = await lost();
    rmSync(site.world.path('records'), { recursive: true });
    const all = adopt();
    const refused = await recover(site, '--yes', ...all);
    expect(refused).toMatchObject({
      code: 5,
      document: {
        error: {
          code: 'retirements-unknown',
          message: expect.stringContaining('this host remembers nothing'),
          hint: expect.stringContaining('--none-retired'),
        },
      },
    });
    writeFileSync(site.world.path('retired.txt'), `${leaked}\n`);
    expect((await recover(site, '--yes', ...all, '--retired', site.world.path('retired.txt'))).code).toBe(0);
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(await signsWith(site)).toBe(third);
    expect(readRecord(site.world).retired.map(({ kid }) => kid)).toContain(leaked);
  });
});

describe('store recover, where records are of no use', { timeout: 90_000 }, () => {
  it('makes a poisoned outlet record anew, and the history goes on (trace 21)', async () => {
    site = await begun();
    const { lineage } = readRecord(site.world);
    const record = site.world.path('public/.jwks.json.jwtrot');
    writeFileSync(record, 'garbage');
    const { code } = await rotate('--immediate');
    expect([4, 5]).toContain(code);
    expect(await recover(site, '--yes')).toMatchObject({
      code: 0,
      document: { keysets: [{ because: null, mended: [site.world.path('public/jwks.json')] }] },
    });
    expect((await rotate('--force')).code).toBe(0);
    expect(readRecord(site.world).lineage).toBe(lineage);
    expect(JSON.parse(readFileSync(record, 'utf8').replaceAll('\0', ' '))).toMatchObject({ keyset: 'api' });
  });

  it('makes a damaged record of the host anew', async () => {
    const leaked = await retiredAndRotated();
    writeFileSync(newestRecord(site.world), '{');
    expect(await rotate()).toEqual({ code: 5, error: 'record-damaged' });
    expect((await recover(site, '--yes', ...adopt())).code).toBe(0);
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(publishedKids(site)).not.toContain(leaked);
    expect(readRecord(site.world).retired.map(({ kid }) => kid)).toContain(leaked);
  });
});

describe('store recover, on two hosts', { timeout: 90_000 }, () => {
  /** The same store, and a state directory of its own. */
  function secondHost(): void {
    mkdirSync(site.world.path('b'), { mode: 0o700 });
    chmodSync(site.world.path('b'), 0o700);
  }

  it('in turn: the second names no history of its own, and adds what it knows as retired (traces 22, 25)', async () => {
    const leaked = await retiredAndRotated();
    secondHost();
    // Host B, off since long: it remembers the former history, and knows a retirement that nobody else does.
    const own = readRecord(site.world);
    const onlyB = { kid: 'only-b', thumbprint: 'b'.repeat(43) };
    mkdirSync(site.world.path('b/records/api'), { recursive: true });
    writeFileSync(
      site.world.path('b/records/api/0000000001.json'),
      JSON.stringify({
        schema: 1,
        keyset: 'api',
        commit: 'c',
        outlets: [],
        ...own,
        revision: 2,
        retired: [...own.retired, onlyB],
      }),
    );
    restore(site.world);
    expect((await recover(site, '--yes', ...adopt())).code).toBe(0);
    const lineage = readRecord(site.world).lineage;

    rmSync(site.world.path('records'), { recursive: true });
    cpSync(site.world.path('b/records'), site.world.path('records'), { recursive: true });
    const { code, document } = await recover(site, '--yes', ...adopt());
    expect({ code, because: document.keysets[0]?.because }).toEqual({ code: 0, because: null });
    expect(recoverKeys(document)).toMatchObject({ 'only-b': 'tombstone' });
    expect(readRecord(site.world).lineage).toBe(lineage);
    expect(await rotate()).toEqual({ code: 0, error: undefined });
    expect(publishedKids(site)).not.toContain(leaked);
    expect(await recover(site)).toMatchObject({ code: 0, document: { keysets: [{ next: null }] } });
  });
});

describe('the same pair under another kid (trace 23)', { timeout: 60_000 }, () => {
  afterEach(() => site.world.close());

  it('is not brought back by a restored store, nor by an import', async () => {
    site = await openSite();
    const pair = {
      ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }),
      alg: 'ES256',
    };
    writeFileSync(site.world.path('pair.jwk'), JSON.stringify({ ...pair, kid: 'key-2' }));
    await site.world.run(['import', '--jwk', 'pair.jwk']);
    await rotate();
    backUp(site.world);
    await rotate('--immediate');
    const active = deliveredKid(site);
    expect((await site.world.run(['retire', '--kid', 'key-2', '--yes', '--deadline', '5s'])).code).toBe(0);
    // What the host remembers is the pair, by whatever name.
    const record = newestRecord(site.world);
    writeFileSync(record, readFileSync(record, 'utf8').replaceAll('"key-2"', '"key-1"'));
    restore(site.world);
    const { code, document } = await recover(site, '--yes', ...adopt());
    expect({ code, keys: recoverKeys(document) }).toEqual({
      code: 0,
      keys: { 'key-2': 'retired', [active]: 'active' },
    });
    await rotate();
    expect(publishedKids(site)).toEqual([active]);
    const back = await site.world.json<RecoverDocument>(['import', '--jwk', 'pair.jwk', '--kid', 'key-3']);
    expect(back).toMatchObject({ code: 5 });
  });
});
