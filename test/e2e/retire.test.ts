import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { accepts, mint, openSite, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';
import { publishedKids, kidOf as storedKid } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
});

async function keys() {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys;
}

const kidOf = (version: number) => storedKid(site, version);
const published = () => publishedKids(site);

describe('jwtrot retire', () => {
  it('replaces the active key first, then ends its publication', async () => {
    const kid = await kidOf(1);
    const leaked = await mint(site);
    const { code, document } = await site.world.json<RotateDocument>([
      'retire',
      '--kid',
      kid,
      '--yes',
      '--deadline',
      '10s',
    ]);
    expect(code).toBe(0);
    expect(document.keysets[0]!.outcome).toBe('retired');
    expect(document.keysets[0]!.actions.map((action) => action.type)).toEqual([
      'record-retirement',
      'generate',
      'write-outlets',
      'confirm-verifiers',
      'activate',
      'write-outlets',
      'confirm-signers',
      'retire',
      'write-outlets',
      'delete-secret',
      'confirm-drop',
    ]);
    expect(await accepts(site, leaked)).toBe(false);
    expect(await accepts(site, await mint(site))).toBe(true);
    expect(published()).not.toContain(kid);
    expect((await keys()).map(({ version, state, reason }) => ({ version, state, reason }))).toEqual([
      { version: 1, state: 'retired', reason: 'compromised' },
      { version: 2, state: 'active', reason: null },
    ]);
  });

  it('says that a pending key signs later where no replacement is wanted', async () => {
    const kid = await kidOf(1);
    await site.world.run(['rotate', '--force']);
    const { stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--no-replacement', '--deadline', '5s']);
    expect(stderr).toContain('whoever answers; no replacement; the pending key signs when its time has come\n');
    expect((await keys()).map(({ state }) => state)).toEqual(['retired', 'pending']);
  });

  it('takes a pending key out without touching the active one', async () => {
    await site.world.run(['rotate', '--force']);
    const [active, pending] = [await kidOf(1), await kidOf(2)];
    const { code, stderr } = await site.world.run(['retire', '--kid', pending.slice(0, 8), '--yes']);
    expect(code).toBe(0);
    expect(stderr).toContain('; the active key goes on signing; another is made when a rotation is due\n');
    expect(published()).toEqual([active]);
    expect((await site.gateway.get('/healthz')).body['kids']).toEqual([active]);
    expect((await site.issuer.get('/healthz')).body['kid']).toBe(active);
  });

  it('finds a deprecated key by the leaked key itself', async () => {
    copyFileSync(site.world.path('private/api.jwk'), site.world.path('leaked.jwk'));
    const kid = await kidOf(1);
    await site.world.run(['rotate', '--immediate']);
    const { code, stderr } = await site.world.run(['retire', '--key', 'leaked.jwk', '--yes']);
    expect(code).toBe(0);
    expect(stderr).toContain(`key            api v1 ${kid} (ES256, deprecated)`);
    expect(stderr).toMatch(
      /^tokens {9}those it signed are rejected from now on: up to (1h( \d+s)?|59m \d+s) of life dies with it$/m,
    );
    expect(published()).toEqual([await kidOf(2)]);
  });

  it('ends the publication within the deadline though nobody answers, and goes on with them later', async () => {
    const kid = await kidOf(1);
    process.kill(site.gateway.pid, 'SIGSTOP');
    process.kill(site.issuer.pid, 'SIGSTOP');
    const running = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '2s']);
    // The deadline runs from what it announces; a start takes longer on a busy machine.
    await new Promise((resolve) => running.child.stderr?.once('data', resolve));
    const began = Date.now();
    while (published().includes(kid)) {
      expect(Date.now() - began).toBeLessThan(8_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const exposed = Date.now() - began;
    const { code, stderr } = await running.ended;
    expect(exposed).toBeLessThan(3_500);
    expect(code).toBe(4);
    expect(stderr).toMatch(/gateway: no answer within/);
    process.kill(site.gateway.pid, 'SIGCONT');
    process.kill(site.issuer.pid, 'SIGCONT');
    const again = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '5s']);
    expect(again.code).toBe(0);
    expect(again.stderr).toMatch(
      /^tokens {9}it was retired \d{4}-\d\d-\d\d \d\d:\d\d UTC: this run goes on with what is open\nexposure {7}the key has left every outlet here; verifiers may still accept it; /m,
    );
    expect(await accepts(site, await mint(site))).toBe(true);
    const third = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '5s']);
    expect(third.stderr).toMatch(/^exposure {7}has ended here; /m);
  }, 60_000);

  it('given again by the delivered file goes on with the key that it held, not with the replacement', async () => {
    const kid = await kidOf(1);
    process.kill(site.gateway.pid, 'SIGSTOP');
    const byFile = ['retire', '--key', 'private/api.jwk', '--yes', '--deadline', '2s'];
    const first = await site.world.run(byFile);
    process.kill(site.gateway.pid, 'SIGCONT');
    expect(first.code).toBe(4);
    expect(first.stderr).toContain(`; to go on with those listed: jwtrot retire --kid ${kid}\n`);
    const replacement = await kidOf(2);
    const again = await site.world.run(byFile);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain(
      `private/api.jwk holds v2 ${replacement} now, which was delivered there in place of ${kid}, whose retirement is not over; nothing was changed\nhint: to go on with it: jwtrot retire --kid ${kid}; if the new key leaked as well: jwtrot retire --kid ${replacement}\n`,
    );
    expect((await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '10s'])).code).toBe(0);
    expect((await site.issuer.get('/healthz')).body['kid']).toBe(replacement);
  });

  it('given twice at once is done by one of them; the other says that it was stopped', async () => {
    const kid = await kidOf(1);
    const twice = [1, 2].map(() => site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '10s']));
    const [one, other] = (await Promise.all(twice.map((run) => run.ended))).sort(
      (a, b) => (a.code ?? 0) - (b.code ?? 0),
    );
    expect(one, one?.stderr).toMatchObject({ code: 0 });
    // The later one finds nothing left to do where the first was quicker; or it finds its lease taken over.
    expect([0, 75, 143], other?.stderr).toContain(other?.code);
    expect((await keys()).map(({ version, state }) => `v${version} ${state}`).sort()).toEqual([
      'v1 retired',
      'v2 active',
    ]);
  });

  it('asks, and without a terminal needs --yes', async () => {
    const kid = await kidOf(1);
    const { code, stdout, stderr } = await site.world.run(['retire', '--kid', kid]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('there is no terminal to ask on; nothing was changed\nhint: run it again with --yes\n');
    expect(published()).toEqual([kid]);
  });

  it('takes a kid that begins with a hyphen, and refuses an unknown or a short one', async () => {
    const unknown = await site.world.run(['retire', '--kid', '-abcdefgh', '--yes']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('no key of api in directory');
    const short = await site.world.run(['retire', '--kid', (await kidOf(1)).slice(0, 7), '--yes']);
    expect(short.code).toBe(2);
  });

  it('finds the key from a PEM that openssl wrote, on standard input', async () => {
    const pem = execFileSync(process.execPath, [
      '-e',
      "const {createPrivateKey}=require('node:crypto');const jwk=JSON.parse(require('node:fs').readFileSync(process.argv[1]));process.stdout.write(createPrivateKey({key:jwk,format:'jwk'}).export({format:'pem',type:'pkcs8'}))",
      site.world.path('private/api.jwk'),
    ]);
    writeFileSync(site.world.path('leaked.pem'), pem);
    const { code } = await site.world.run(['retire', '--key', '-', '--yes', '--deadline', '10s'], { stdin: pem });
    expect(code).toBe(0);
    expect((await keys())[0]!.state).toBe('retired');
  });

  it('publishes nothing at all only with --no-replacement', async () => {
    const kid = await kidOf(1);
    const { code } = await site.world.run(['retire', '--kid', kid, '--yes', '--no-replacement', '--deadline', '5s']);
    expect(published()).toEqual([]);
    expect(code).toBe(0);
    expect((await site.gateway.get('/healthz')).body['kids']).toEqual([]);
    expect((await keys()).map((key) => key.state)).toEqual(['retired']);
    // The next key waits for caches, though nobody signs: that is said, and what does not wait.
    const status = await site.world.run(['status']);
    expect(status.stdout).toContain('no key is active; jwtrot rotate makes one that waits for publishAhead');
    expect(status.stdout).toContain('jwtrot rotate --immediate');
    const rotated = await site.world.run(['rotate', '--immediate']);
    expect(rotated.stdout).toMatch(/^api: rotated; active v2 /);
  });

  it('takes a kid as it is printed elsewhere: cut, and with blanks around it', async () => {
    const kid = await kidOf(1);
    const { code } = await site.world.run(['retire', '--kid', ` ${kid.slice(0, 10)}… `, '--yes', '--deadline', '5s']);
    expect(code).toBe(0);
    expect(published()).not.toContain(kid);
  });
});

it('announces the replacement of a first key that is still pending, and makes it', async () => {
  site = await openSite();
  try {
    process.kill(site.gateway.pid, 'SIGSTOP');
    expect((await site.world.run(['rotate'])).code).toBe(4);
    process.kill(site.gateway.pid, 'SIGCONT');
    const kid = await kidOf(1);
    const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '10s']);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`(ES256, pending)\n`);
    expect(stderr).toContain('exposure       ends within 10s, whoever answers; a replacement is made\n');
    expect((await keys()).map(({ state }) => state)).toEqual(['retired', 'active']);
  } finally {
    await site.world.close();
  }
}, 60_000);
