import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accepts, mint, openSite, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';

let site: Site;
beforeEach(async () => {
  site = await openSite();
  await site.world.run(['rotate']);
});
afterEach(() => site.world.close());

async function keys() {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys;
}

async function kidOf(version: number): Promise<string> {
  return (await keys()).find((key) => key.version === version)!.kid;
}

async function published(): Promise<string[]> {
  return site.world.readJson('public/jwks.json').keys.map((key) => key.kid);
}

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
    expect(await published()).not.toContain(kid);
    expect((await keys()).map(({ version, state, reason }) => ({ version, state, reason }))).toEqual([
      { version: 1, state: 'retired', reason: 'compromised' },
      { version: 2, state: 'active', reason: null },
    ]);
  });

  it('takes a pending key out without touching the active one', async () => {
    await site.world.run(['rotate', '--force']);
    const [active, pending] = [await kidOf(1), await kidOf(2)];
    const { code } = await site.world.run(['retire', '--kid', pending.slice(0, 8), '--yes']);
    expect(code).toBe(0);
    expect(await published()).toEqual([active]);
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
    expect(stderr).toContain('tokens         those it signed are rejected from now on: up to 1h');
    expect(await published()).toEqual([await kidOf(2)]);
  });

  it('ends the publication within the deadline though nobody answers, and goes on with them later', async () => {
    const kid = await kidOf(1);
    process.kill(site.gateway.pid, 'SIGSTOP');
    process.kill(site.issuer.pid, 'SIGSTOP');
    const began = Date.now();
    const running = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '2s', '--json']);
    while ((await published()).includes(kid)) {
      expect(Date.now() - began).toBeLessThan(8_000);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const exposed = Date.now() - began;
    const { code, stdout } = await running.ended;
    expect(exposed).toBeLessThan(4_000);
    expect(code).toBe(4);
    const document = JSON.parse(stdout) as RotateDocument;
    expect(document.keysets[0]!.problems.map((problem) => problem.message).join('\n')).toMatch(
      /gateway: no answer within/,
    );
    process.kill(site.gateway.pid, 'SIGCONT');
    process.kill(site.issuer.pid, 'SIGCONT');
    const again = await site.world.json<RotateDocument>(['retire', '--kid', kid, '--yes', '--deadline', '5s']);
    expect(again.code).toBe(0);
    expect(await accepts(site, await mint(site))).toBe(true);
  }, 60_000);

  it('asks, and without a terminal needs --yes', async () => {
    const kid = await kidOf(1);
    const { code, stdout, stderr } = await site.world.run(['retire', '--kid', kid]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('there is no terminal to ask on; nothing was changed\nhint: run it again with --yes\n');
    expect(await published()).toEqual([kid]);
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
    expect(await published()).toEqual([]);
    expect(code).toBe(0);
    expect((await site.gateway.get('/healthz')).body['kids']).toEqual([]);
    expect((await keys()).map((key) => key.state)).toEqual(['retired']);
  });
});
