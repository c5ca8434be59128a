import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { until } from '../e2e/world.js';
import { newKey } from '../keyring/support.js';
import { changed } from '../languages/programs.js';
import { tokenOf } from '../languages/tokens.js';
import { onStage } from './on-stage.js';
import { verifier } from './parties/fastapi.js';
import { MAX_AGE } from './party.js';
import { PATH } from './web.js';

describe('examples/nginx', () => {
  const here = onStage(verifier, { cached: false });
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(here.stage.nginx.url(path), { headers: { connection: 'close', ...headers } });

  it('says how long the JWKS may be kept, and nothing that would tell two sets apart by size and second', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toUTCString();
    const answer = await get(PATH, { 'if-modified-since': tomorrow });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(readFileSync(here.stage.place.jwks, 'utf8'));
    expect(answer.headers.get('content-type')).toBe('application/jwk-set+json');
    expect(answer.headers.get('cache-control')).toBe(`public, max-age=${MAX_AGE}`);
    expect([answer.headers.get('etag'), answer.headers.get('last-modified')]).toEqual([null, null]);
  });

  it.each(['/', '/.well-known/', '/.well-known/.jwks.json.jwtrot', '/jwks.json', `${PATH}/`])(
    'serves nothing as %s, and lets nobody keep that',
    async (path) => {
      const answer = await get(path);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, null]);
    },
  );

  it('killed in mid-rotation: the run waits, no token is rejected, and what has no keys says so', async () => {
    const { stage, traffic } = here;
    const before = await stage.active();
    const token = traffic.held(before);
    await stage.run(0, 'rotate', '--force');
    await stage.nginx.kill();
    const run = stage.attempt('rotate', '--immediate');
    await until(async () => (await stage.check(token)) === 503, 'no more trust in what was read long ago', 30_000);
    expect(await stage.active()).toBe(before);
    await stage.nginx.start();
    expect(await run).toMatchObject({ code: 0 });
    expect(await stage.active()).not.toBe(before);
    await until(async () => (await stage.check(token)) === 200, 'trust', 30_000);
    expect(traffic.wronglyRejected()).toEqual([]);
  });

  it('while it is down, PyJWKClient forgets what it has as soon as somebody sends a kid that it does not know', async () => {
    const { stage, traffic } = here;
    const active = await stage.active();
    await until(() => traffic.kids().includes(active), 'a token of the new key', 30_000);
    const token = traffic.held(active);
    const stranger = await tokenOf(await newKey());
    expect(await stage.check(stranger)).toBe(401);
    await stage.nginx.kill();
    // Each of its workers for itself.
    await until(
      async () => {
        expect(await stage.check(stranger)).toBe(503);
        return (await stage.check(token)) === 503;
      },
      'a verifier without keys',
      30_000,
    );
    await stage.nginx.start();
    await until(async () => (await stage.check(token)) === 200, 'keys', 30_000);
  });

  it('that lets the JWKS be kept for longer than jwksMaxAge is found out before a key signs, and not in the way of an incident', async () => {
    const { stage, traffic } = here;
    const conf = stage.place.world.path('nginx/server.conf');
    const text = readFileSync(conf, 'utf8');
    await stage.nginx.stop();
    writeFileSync(conf, changed(text, [[`max-age=${MAX_AGE}`, 'max-age=3600']]));
    await stage.nginx.start();
    const before = await stage.active();
    const { code, said } = await stage.attempt('rotate', '--immediate');
    expect({ code, said }).toEqual({ code: 5, said: expect.stringContaining('jwks-cached-longer') });
    expect(await stage.active()).toBe(before);
    traffic.leaked(before);
    await stage.run(0, 'retire', '--kid', before, '--yes', '--deadline', '60s');
    traffic.mustBeRejected(before);
    expect(await stage.check(traffic.held(before))).toBe(401);
    expect(traffic.wronglyRejected()).toEqual([]);
  });
});
