import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { createLocalWrapper } from '../../src/wrap/local.js';
import { openSite, type Site } from './fixtures.js';
import { formsOf, formsOfKey, foundIn, type Needles } from './process-memory.js';
import { type Running, until } from './world.js';

let site: Site;
afterEach(() => site.world.close());

/** Both, in every form in which they could lie about: the key that was made, and the KEK that it is wrapped under. */
async function secretsOf({ world }: Site): Promise<Needles> {
  const keys = world.path('store/api/keys');
  const [name = ''] = readdirSync(keys);
  const { kid, alg, jwe } = JSON.parse(readFileSync(`${keys}/${name}`, 'utf8'));
  const uid = process.getuid?.() ?? 0;
  const wrapper = createLocalWrapper({ kek: { file: world.path('kek') }, mayCreateKek: async () => false, uid });
  const der = await wrapper.unwrap({ kid, alg, jwe }, { keyset: 'api', kid, alg });
  const kek = Buffer.from(readFileSync(world.path('kek'), 'latin1'), 'base64url');
  return new Map([...formsOfKey(der), ...formsOf('KEK', kek)]);
}

/** A run that is left alone for longer than the test takes. */
async function startWaiting(changes: Record<string, unknown>, who: 'gateway' | 'issuer'): Promise<Running> {
  const long = JSON.stringify(site.configuration(changes)).replaceAll('"deadline":"3s"', '"deadline":"60s"');
  site.world.configure(JSON.parse(long));
  const running = site.world.start(['rotate']);
  let stderr = '';
  running.child.stderr?.on('data', (chunk) => (stderr += chunk));
  await until(() => stderr.includes(`${who} reloading`), `it waits for the ${who}`);
  return running;
}

const GATEWAY = { gateway: { ignoreReload: true } };
const ISSUER = { issuer: { ignoreReload: true } };

describe('a run that waits for a service which never confirms', () => {
  it.each([
    ['has made an ES256 key', 'ES256', 'jwk', GATEWAY],
    ['has made an Ed25519 key', 'Ed25519', 'jwk', GATEWAY],
    ['has made and delivered an RS256 key as JWK, and read it back', 'RS256', 'jwk', ISSUER],
    ['has made and delivered an ES256 key as PEM', 'ES256', 'pem', ISSUER],
  ])('holds no copy of key or KEK in memory: it %s', async (_, alg, format, broken) => {
    site = await openSite(broken);
    const deliver = [{ file: site.world.path('private/api.jwk'), format, allowDisk: true }];
    const running = await startWaiting({ alg, deliver }, broken === GATEWAY ? 'gateway' : 'issuer');
    const secrets = await secretsOf(site);
    const found = () => foundIn(running.child.pid ?? 0, secrets);
    // Not at once: V8 is told a moment later to give its objects up.
    let left = found();
    for (let tries = 0; tries < 5 && Object.keys(left).length > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 400));
      left = found();
    }
    expect(running.child.exitCode).toBeNull();
    expect(left).toEqual({});
    running.child.kill('SIGTERM');
    await running.ended;
  });

  it.each(['ES256', 'RS256'])('holds none between two canaries (%s)', async (alg) => {
    site = await openSite();
    await site.gateway.get('/manner?is=rejects%20all');
    const health = {
      type: 'canary',
      url: `http://127.0.0.1:${site.gateway.port}/guarded`,
      every: '30s',
      deadline: '60s',
    };
    const reload = { signal: 'HUP', pidFile: site.gateway.pidFile };
    const services = [{ name: 'gateway', role: 'verifier', reload, health }];
    const running = await startWaiting({ alg, deliver: [], services }, 'gateway');
    // The control of a key that nobody has, and one of the new key.
    const sent = async () => ((await site.gateway.get('/canaries')).body['canaries'] as string[]).length;
    await until(async () => (await sent()) >= 2, 'a canary was shown');
    const secrets = await secretsOf(site);
    const pid = running.child.pid ?? 0;
    await until(() => Object.keys(foundIn(pid, secrets)).length === 0, 'nothing of it is left', 5_000);
    expect(running.child.exitCode).toBeNull();
    running.child.kill('SIGTERM');
    await running.ended;
  });

  it('is looked at with eyes that see: what it still uses is found', async () => {
    site = await openSite(GATEWAY);
    const running = await startWaiting({}, 'gateway');
    const path = Buffer.from(site.world.path('store/a directory that it uses').slice(0, -24));
    expect(Object.keys(foundIn(running.child.pid ?? 0, new Map([['the path', path.subarray(-24)]])))).toEqual([
      'the path',
    ]);
    running.child.kill('SIGTERM');
    await running.ended;
  });
});
