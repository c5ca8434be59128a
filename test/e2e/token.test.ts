import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { kidOf, statesOf } from './look.js';
import type { Ran } from './world.js';

let site: Site;
const said: string[] = [];
afterEach(async () => {
  await site.world.close();
  said.length = 0;
});

const BODY = 'grant_type=password&password=topsecret';

/** The issuer is asked for a token, with a password from a file. */
async function open(issuer: object = {}, changes: object = {}): Promise<void> {
  site = await openSite({ issuer });
  const { world } = site;
  writeFileSync(world.path('login'), BODY, { mode: 0o600 });
  world.configure(configured(changes));
}

function configured(changes: object = {}, health: object = {}): object {
  const { issuer, gateway, configuration, world } = site;
  const reload = (pidFile: string) => ({ signal: 'HUP', pidFile, timeout: '2s' });
  const token = {
    type: 'token',
    url: `http://127.0.0.1:${issuer.port}/login`,
    body: { file: world.path('login') },
    timeout: '1s',
    deadline: '10s',
    ...health,
  };
  const json = { url: `http://127.0.0.1:${gateway.port}/healthz`, deadline: '3s' };
  const services = [
    { name: 'issuer', role: 'signer', reload: reload(issuer.pidFile), health: token },
    { name: 'gateway', role: 'verifier', reload: reload(gateway.pidFile), health: json },
  ];
  return configuration({ services, ...changes });
}

async function run(...args: string[]): Promise<Ran> {
  const ran = await site.world.run(args);
  said.push(ran.stdout, ran.stderr);
  return ran;
}

async function logins(): Promise<number> {
  return Number((await site.issuer.get('/logins')).body['logins']);
}

describe('A signer that is asked for tokens', () => {
  it('confirms with a real one, and neither it nor the password is ever printed', async () => {
    await open();
    expect((await run('rotate')).code).toBe(0);
    expect((await run('rotate', '--immediate', '--verbose', '--debug')).code).toBe(0);
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
    const { code, stdout } = await run('status', '--probe');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^issuer +issuer +signer +v2 +- +token/m);
    expect(said.join('\n')).not.toMatch(/topsecret|eyJ/);
  });

  it('that names the new key and signs with the old one is found out, and the former key signs again', async () => {
    await open({ mislabels: true });
    expect((await run('rotate')).code).toBe(0);
    const { code, stderr } = await run('rotate', '--immediate');
    const second = await kidOf(site, 2);
    expect(code).toBe(4);
    expect(stderr).toContain(`its token of "${second}" does not verify against that published key`);
    expect(stderr).toContain('going back to');
    expect(await statesOf(site)).toEqual({ v1: 'active', v2: 'deprecated' });
    expect(said.join('\n')).not.toMatch(/topsecret|eyJ/);
  });

  it('that does not take the new key is asked every two seconds at most', async () => {
    await open({ ignoreReload: true });
    expect((await site.world.run(['rotate'])).code).toBe(4);
    await site.issuer.restart();
    expect((await run('rotate', '--force')).code).toBe(0);
    const before = await logins();
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect(code).toBe(4);
    expect(document.keysets[0]!.problems[0]!.message).toContain(`signs with "${await kidOf(site, 1)}"`);
    // Ten seconds: one at the gate, one before the reload, then every two seconds.
    const asked = (await logins()) - before;
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(asked).toBeLessThanOrEqual(7);
  });

  it.each<[string, string | null, Record<string, string>, number, string]>([
    ['no token', '{"token":"eyJtopsecret"}', {}, 200, 'there is no token at "/access_token"'],
    ['no JWT', '{"access_token":"topsecret"}', {}, 200, 'what is at "/access_token" is not a JWT with a kid'],
    ['half an answer', '{"access_token":"eyJtopsecret', {}, 200, 'the answer is not JSON'],
    ['a redirect', null, { location: '/#access_token=topsecret' }, 302, 'redirect'],
  ])('that answers with %s: nothing of that is shown', async (_, answer, headers, status, reason) => {
    await open();
    const server = createServer((__, response) => response.writeHead(status, headers).end(answer ?? ''));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    site.world.configure(configured({}, { url: `http://127.0.0.1:${port}/login` }));
    const { stdout, stderr, code } = await run('status', '--probe');
    server.close();
    expect(code).toBe(4);
    expect(stdout).toMatch(new RegExp(`^issuer +issuer +signer +- +- +token +${reason}$`, 'm'));
    expect(stdout + stderr).not.toMatch(/topsecret/);
  });
});
