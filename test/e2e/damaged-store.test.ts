import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { newestRecord, readRecord } from './backups.js';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, signsWith } from './look.js';
import { type RecoverDocument, recover, recoverKeys } from './recovering.js';
import { runAll, scene } from './scene.js';

let site: Site;
let former: string;
let leaked: string;
const rotatedTwice = scene(async (made) => {
  // The revisions that give their leases back get lost: what held them must have ended.
  made.world.eachAProcess = true;
  await runAll(made, 'rotate', 'rotate --immediate');
});
beforeEach(async () => {
  site = await rotatedTwice();
  [former, leaked] = [await kidOf(site, 1), await kidOf(site, 2)];
});

const folder = () => site.world.path('store/api/manifest');
const newest = () => `${folder()}/${readdirSync(folder()).sort().at(-1)}`;

function instead(put: (path: string) => void): string {
  const path = newest();
  rmSync(path);
  put(path);
  return path;
}

async function retire(kid: string, ...options: string[]) {
  const args = ['retire', '--kid', kid, '--yes', '--deadline', '10s', ...options];
  const { code, document } = await site.world.json<RotateDocument>(args);
  return { code, outcome: document.keysets[0]?.outcome, said: document.keysets[0]?.problems.at(-1) };
}

async function isUsable(): Promise<void> {
  const rotated = await site.world.json<RotateDocument>(['rotate', '--immediate']);
  expect(rotated.code, JSON.stringify(rotated.document)).toBe(0);
  expect(publishedKids(site)).not.toContain(leaked);
  expect(await accepts(site, await mint(site))).toBe(true);
}

describe('a store whose newest revision is damaged', { timeout: 90_000 }, () => {
  it('keeps retire from nothing, and store recover goes on from what is before it', async () => {
    const path = instead((at) => execFileSync('mkfifo', [at]));
    const { code, outcome, said } = await retire(leaked);
    expect({ code, outcome, problem: said?.code }).toEqual({ code: 4, outcome: 'retired', problem: 'store-damaged' });
    expect(said?.message).toContain(`${path} is damaged: it is a FIFO, not a regular file`);
    expect(said?.message).toContain('the store does not know of the retirement yet, this host remembers it');
    expect(said?.hint).toBe('next: jwtrot store recover --keyset api');
    expect(publishedKids(site)).toEqual([former]);
    expect(existsSync(site.world.path('private/api.jwk'))).toBe(false);
    expect(readRecord(site.world).retired).toMatchObject([{ kid: leaked }]);

    for (const verb of [['rotate'], ['status'], ['store', 'backup', 'b']]) {
      const ran = await site.world.run(verb);
      expect({ verb, code: ran.code, stderr: ran.stderr }).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(
          /manifest\/\d+\.json is damaged: it is a FIFO.*\n.*jwtrot store recover --keyset api/,
        ),
      });
    }
    const looked = await recover(site, '--dry-run');
    expect(looked.document.keysets[0]).toMatchObject({ because: 'damaged' });
    expect(recoverKeys(looked.document)).toEqual({ [former]: 'active', [leaked]: 'retired' });
    expect((await recover(site, '--yes')).code).toBe(0);
    await isUsable();
    expect((await recover(site, '--dry-run')).document.keysets[0]).toMatchObject({ because: null, next: null });
  });

  it('says that nobody remembers the retirement where this host does not, and recover has it named', async () => {
    instead((at) => mkdirSync(at));
    rmSync(site.world.path('records'), { recursive: true });
    const { code, said } = await retire(leaked);
    expect(code).toBe(4);
    expect(said?.message).toContain('neither the store nor this host knows of the retirement yet');
    expect(said?.hint).toBe(`next: jwtrot store recover --keyset api --retired ${leaked}`);
    expect(publishedKids(site)).toEqual([former]);
    expect(await recover(site, '--yes')).toMatchObject({ code: 5 });
    const [, ...words] = (said?.hint ?? '').replace('next: jwtrot ', '').split(' ');
    const recovered = await site.world.json<RecoverDocument>(['store', ...words, '--yes', '--adopt', former]);
    expect({ code: recovered.code, error: recovered.document.error }).toEqual({ code: 0, error: undefined });
    await isUsable();
  });

  it('is named beside a kid that nobody knows, and that may be mistyped', async () => {
    const path = instead((at) => execFileSync('mkfifo', [at]));
    const { code, document } = await site.world.json<RotateDocument>(['retire', '--kid', 'nobody-knows-me', '--yes']);
    expect({ code, error: document.error?.code }).toEqual({ code: 5, error: 'manifest-damaged' });
    const unknown =
      '"nobody-knows-me" is known to no keyset that could be read, to no outlet and not to what this host remembers (mistyped?)';
    expect(document.error?.message).toContain(`${unknown}; keyset api could not be read: `);
    expect(document.error?.message).toContain(`${path} is damaged: it is a FIFO`);
    expect(document.error?.hint).toBe(
      'if it was mistyped: jwtrot retire --kid KID, or --key FILE; keyset api: jwtrot store recover --keyset api, then the same command again',
    );
    writeFileSync(newestRecord(site.world), 'x');
    const { stderr } = await site.world.run(['retire', '--kid', 'nobody-knows-me', '--yes']);
    expect(stderr).toContain('what this host remembers of api could not be read either');
  });

  it('is of no sound revision: retire given again says that the key was retired here already', async () => {
    for (const name of readdirSync(folder())) writeFileSync(`${folder()}/${name}`, '{"schema":1,"__proto__":{}}');
    expect(await retire(leaked)).toMatchObject({ code: 4, outcome: 'retired' });
    const { code, outcome, said } = await retire(leaked);
    expect({ code, outcome, problem: said?.code }).toEqual({ code: 4, outcome: 'retired', problem: 'store-damaged' });
    const outlets = `${site.world.path('public/jwks.json')}, ${site.world.path('private/api.jwk')}`;
    expect(said?.message).toContain(`this host has retired key "${leaked}" already: the key is not in ${outlets}; `);
    expect(said?.hint).toBe('next: jwtrot store recover --keyset api');
  });

  it('is recovered without an incident, too: the key that signs goes on, though no revision is sound', async () => {
    for (const name of readdirSync(folder())) writeFileSync(`${folder()}/${name}`, '{"schema":1,"__proto__":{}}');
    const token = await mint(site);
    const ran = await site.world.run(['store', 'recover', '--yes']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stdout).toContain('is damaged');
    expect((await site.world.run(['rotate'])).code).toBe(0);
    expect([deliveredKid(site), await signsWith(site)]).toEqual([leaked, leaked]);
    expect(await accepts(site, token)).toBe(true);
  });

  it('may be one that jwtrot has not written: retire ends all the same, and what to do is said', async () => {
    const path = `${folder()}/9999999999.json`;
    writeFileSync(path, '');
    const { stderr } = await site.world.run(['retire', '--kid', leaked]); // nobody is there to say yes
    expect(stderr).toMatch(/^then {11}no keyset comes to such a revision.*: mv .*\.foreign; jwtrot status$/m);
    const { code, said } = await retire(leaked);
    expect(code).toBe(4);
    expect(said?.hint).toContain(`mv ${path} ${path}.foreign`);
    expect(said?.hint).toContain('then retire it again');
    expect(publishedKids(site)).toEqual([former]);
    expect(await recover(site, '--yes')).toMatchObject({
      code: 5,
      document: { error: { hint: expect.stringContaining(`mv ${path}`) } },
    });
    execFileSync('mv', [path, `${path}.foreign`]);
    expect((await retire(leaked)).code).toBe(0);
    expect(await site.world.run(['rotate'])).toMatchObject({ code: 0 });
    await isUsable();
  });
});

describe('a store that fails', { timeout: 90_000 }, () => {
  it('in another keyset is named, in this one keeps the key in no outlet; retired again, all goes on', async () => {
    const other = { alg: 'ES256', maxTokenTtl: '1h', publish: [{ file: site.world.path('public/other.json') }] };
    const { keysets, ...rest } = site.configuration() as { keysets: object };
    site.world.configure({ ...rest, keysets: { ...keysets, other } });
    await site.world.run(['rotate']);
    const others = site.world.path('store/other/manifest');
    rmSync(others, { recursive: true });
    execFileSync('mkfifo', [others]);
    const named = await site.world.run(['retire', '--kid', former, '--yes', '--deadline', '10s']);
    expect(named).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('keyset other was not searched: cannot read keyset other'),
    });
    expect(publishedKids(site)).toEqual([leaked]);

    await site.world.run(['rotate', '--immediate', '--keyset', 'api']);
    const newest = deliveredKid(site);
    execFileSync('mv', [folder(), `${folder()}.kept`]);
    execFileSync('mkfifo', [folder()]);
    const { code, outcome, said } = await retire(newest);
    expect({ code, outcome, problem: said?.code }).toEqual({ code: 4, outcome: 'retired', problem: 'store-failed' });
    expect(said?.message).toContain('cannot read keyset api');
    expect(said?.message).toContain('it is not a directory; the key is not in');
    expect(said?.hint).toMatch(/^move away what lies at .*; then retire it again$/);
    expect(publishedKids(site)).toEqual([leaked]);
    expect(existsSync(site.world.path('private/api.jwk'))).toBe(false);

    rmSync(folder());
    execFileSync('mv', [`${folder()}.kept`, folder()]);
    expect((await site.world.run(['rotate', '--keyset', 'api'])).code).toBe(5);
    expect(await retire(newest, '--keyset', 'api')).toMatchObject({ code: 0, outcome: 'retired' });
    const rotated = await site.world.run(['rotate', '--keyset', 'api']);
    expect(rotated, rotated.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^api: nothing due/) });
    expect(publishedKids(site)).not.toContain(newest);
    expect(await accepts(site, await mint(site))).toBe(true);
  });

  it('or is gone, with what this host remembered, keeps the key in no outlet', async () => {
    for (const gone of ['store', 'records', 'outlets']) rmSync(site.world.path(gone), { recursive: true, force: true });
    const { code, said } = await retire(leaked);
    expect({ code, problem: said?.code }).toEqual({ code: 4, problem: 'other-history' });
    expect(said?.message).toContain('the request is recorded there; the key is not in');
    expect(publishedKids(site)).toEqual([former]);
    expect(existsSync(site.world.path('private/api.jwk'))).toBe(false);
  });
});
