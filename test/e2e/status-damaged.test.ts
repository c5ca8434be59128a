import { readdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RotateDocument, StatusDocument } from './fixtures.js';
import { World } from './world.js';

let world: World;
beforeEach(async () => {
  world = new World();
  const keyset = (name: string) => ({
    alg: 'ES256',
    maxTokenTtl: '1h',
    publish: [{ file: `${world.folderFor(name)}/jwks.json` }],
  });
  world.configure({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { alpha: keyset('alpha'), beta: keyset('beta'), gamma: keyset('gamma') },
  });
  expect((await world.run(['rotate'])).code).toBe(0);
  const folder = world.path('store/beta/manifest');
  writeFileSync(`${folder}/${readdirSync(folder).sort().at(-1)}`, 'not a manifest');
});
afterEach(() => world.close());

const DAMAGED = /the manifest of keyset beta in \S+ is damaged: it is \S.*; nothing was changed/;

describe('status, where one keyset of several is damaged', { timeout: 60_000 }, () => {
  it('shows the others, and ends as it does for that one', async () => {
    const { code, stdout, stderr } = await world.run(['status']);
    expect(code).toBe(5);
    expect(stdout).toMatch(/^alpha +v1 +active .*\nbeta +- +unreadable .*\ngamma +v1 +active /m);
    expect(stdout).not.toContain('beta: does not exist');
    expect(stderr).toMatch(DAMAGED);
    expect(stderr).toMatch(/^hint: .*jwtrot store recover --keyset beta/m);
    const alone = await world.run(['status', '--keyset', 'beta']);
    expect({ code: alone.code, stdout: alone.stdout }).toEqual({ code: 5, stdout: '' });
    expect(alone.stderr).toMatch(DAMAGED);
  });

  it('has all fields of the others in its document, and an error for that one', async () => {
    type Errors = { error?: NonNullable<RotateDocument['error']> };
    const { code, document } = await world.json<StatusDocument & Errors>(['status']);
    expect({ code, names: document.keysets.map(({ name }) => name) }).toEqual({
      code: 5,
      names: ['alpha', 'beta', 'gamma'],
    });
    const [alpha, beta, gamma] = document.keysets as (StatusDocument['keysets'][number] & Errors)[];
    for (const one of [alpha, gamma]) {
      expect(one?.keys.map(({ state }) => state)).toEqual(['active']);
      expect(one).not.toHaveProperty('error');
    }
    const { error, ...fields } = beta ?? {};
    expect(fields).toEqual({
      name: 'beta',
      lineage: null,
      revision: null,
      otherHistory: null,
      rollout: null,
      keys: [],
      next: null,
    });
    expect(error).toMatchObject({ code: 'manifest-damaged', exit: 5, hint: expect.stringContaining('--keyset beta') });
    expect(document.error).toEqual(error);
  });

  it('is critical to a monitor, which hears of the others as well', async () => {
    const { code, stdout } = await world.run(['status', '--check']);
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /^JWTROT CRITICAL - alpha: active v1 .*; beta: the manifest .* is damaged.*; gamma: active v1/,
    );
    expect(stdout).toContain("'beta_age'=U;");
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });
});
