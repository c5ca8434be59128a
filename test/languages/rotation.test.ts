import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, LANGUAGES, type Program } from './programs.js';
import { openSite, type Site, type Way } from './site.js';

const statuses = (answers: Promise<Answer>[]) => Promise.all(answers).then((all) => all.map(({ status }) => status));

describe.each<[string, Way]>([
  ['RS256', 'look'],
  ['PS384', 'signal'],
  ['ES256', 'signal'],
  ['ES512', 'look'],
  ['EdDSA', 'signal'],
])('%s, told by %s', (alg, way) => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(alg, way);
    return () => site.close();
  });

  const tokens = () =>
    Promise.all(site.signers.map((signer) => signer.get('/token').then(({ body }) => body.token ?? '')));
  const checks = (token: string) => statuses(site.verifiers.map((verifier) => verifier.get('/check', token)));
  const health = (programs: readonly Program[]) => Promise.all(programs.map((program) => program.get('/healthz')));
  const kidOf = (token: string) => decodeProtectedHeader(token).kid ?? '';

  it('answers 503 before there is a key, to a token as well', async () => {
    expect(await statuses(site.signers.map((signer) => signer.get('/healthz')))).toEqual([503, 503]);
    expect(await statuses(site.signers.map((signer) => signer.get('/token')))).toEqual([503, 503]);
    expect(await statuses(site.verifiers.map((verifier) => verifier.get('/healthz')))).toEqual([503, 503]);
    expect(await checks('a.b.c')).toEqual([503, 503]);
  });

  it('takes the first key, and another one with no token rejected on the way', async () => {
    const { active: first } = await site.run('rotate');
    const held = await tokens();
    expect(held.map(kidOf)).toEqual(LANGUAGES.map(() => first));
    for (const token of held) expect(await checks(token)).toEqual([200, 200]);
    // The programs would take 15 minutes; the configuration has 10.
    expect(held.map((token) => decodeJwt(token)).map(({ iat = 0, exp = 0 }) => exp - iat)).toEqual([600, 600]);

    let isOver = false;
    const seen = { tokens: 0, kids: new Set<string>(), rejected: 0 };
    const traffic = (async () => {
      while (!isOver)
        for (const token of await tokens()) {
          seen.tokens += 1;
          seen.kids.add(kidOf(token));
          seen.rejected += (await checks(token)).filter((status) => status !== 200).length;
        }
    })();
    const { active: second, outcome } = await site.run('rotate', '--immediate').finally(() => {
      isOver = true;
    });
    await traffic;
    expect(outcome).toBe('rotated');
    expect(second).not.toBe(first);
    expect(seen.rejected).toBe(0);
    expect(seen.tokens).toBeGreaterThan(10);
    expect([...seen.kids][0]).toBe(first);

    expect((await health(site.signers)).map(({ body }) => body.kid)).toEqual([second, second]);
    for (const { body } of await health(site.verifiers)) expect(body.kids?.sort()).toEqual([first, second].sort());
    const fresh = await tokens();
    expect(fresh.map(kidOf)).toEqual([second, second]);
    for (const token of [...held, ...fresh]) expect(await checks(token)).toEqual([200, 200]);
  });

  it('refuses the tokens of a key that leaked', async () => {
    const leaked = await tokens();
    const kid = kidOf(leaked[0] ?? '');
    const { outcome } = await site.run('retire', '--kid', kid, '--yes');
    expect(outcome).toBe('retired');
    for (const { body } of await health(site.verifiers)) expect(body.kids).not.toContain(kid);
    for (const token of leaked) expect(await checks(token)).toEqual([401, 401]);
    for (const token of await tokens()) expect(await checks(token)).toEqual([200, 200]);
  });
});
