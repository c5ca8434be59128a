import { describe, expect, it } from 'vitest';
import type { Key } from '../../src/keyset/manifest/key.js';
import { HOUR, MINUTE, Stage } from './stage.js';

/*
 * Somebody who may write the store, and not this host, exchanges names in the manifest. In this world a pair is what its kid
 * says: what an outlet holds under `k1` is the pair of k1.
 */

/** k1 verifies and k2 signs; then each has the other's name in the store. */
async function exchanged(): Promise<Stage> {
  const stage = new Stage();
  const { operators, world } = stage;
  await stage.begin();
  await operators.run({ force: true });
  await operators.pass(12 * MINUTE);
  await operators.run();
  expect(stage.published).toEqual(['k1', 'k2']);
  const names: Record<string, string> = { [stage.kid('k1')]: stage.kid('k2'), [stage.kid('k2')]: stage.kid('k1') };
  const keys = stage.manifest.keys.map((key): Key => ({ ...key, kid: names[key.kid] ?? key.kid }));
  const { newest } = world.store;
  if (newest === null) throw new Error('there is no manifest');
  world.store.newest = { ...newest, manifest: { ...newest.manifest, keys } };
  return stage;
}

/** As the command asks: for the pair that outlets hold under that kid. */
function retire(stage: Stage, kid: string) {
  const pair = stage.manifest.keys.find((key) => key.thumbprint === kid);
  if (pair?.publicJwk == null) throw new Error('it has no public half');
  const { thumbprint, alg, publicJwk, hasPrivate } = pair;
  const stray = { kid, thumbprint, alg, publicJwk, hasPrivate };
  // No commit of the store says so.
  stage.world.tokens.of(kid).retired = true;
  const asked = {
    kid,
    reason: 'compromised',
    deadline: 2 * MINUTE,
    noReplacement: false,
    purge: false,
    stray,
  } as const;
  return stage.operators.rotate({ retire: asked, incidentOnly: true });
}

describe('Histories of a store in which keys were renamed', () => {
  it.each(['k1', 'k2'])(
    '30: a retire of %s takes out the pair that is published so, and recovery gives the others their names back',
    async (name) => {
      const stage = await exchanged();
      const { operators, world } = stage;
      const kid = name.padEnd(43, '-');
      const other = name === 'k1' ? 'k2' : 'k1';
      const { revision } = stage.manifest;
      const started = retire(stage, kid);
      await operators.until(started);
      expect(started.result).toMatchObject({ exit: 4, error: null, isOtherHistory: true });
      expect(stage.published).toEqual([other]);
      expect(stage.delivered).toBe(name === 'k1' ? 'k2' : null);
      expect(stage.manifest.revision).toBe(revision);
      for (let i = 0; i < 3; i += 1) {
        expect(await operators.run({ force: true })).toMatchObject({ exit: 5, error: { code: 'other-history' } });
        await operators.pass(HOUR);
      }
      expect(stage.published).toEqual([other]);
      await operators.until(operators.recover());
      for (const key of stage.manifest.keys) expect(key.kid).toBe(key.thumbprint);
      expect(stage.key(name).state).toBe('retired');
      expect((await operators.run())?.exit).toBe(0);
      expect(stage.published).toContain(other);
      expect(stage.published).not.toContain(name);
      expect(world.violations).toEqual([]);
    },
  );

  it('no other run writes an outlet', async () => {
    const stage = await exchanged();
    const { operators, world } = stage;
    for (const asked of [{}, { force: true }]) {
      expect(await operators.run(asked)).toMatchObject({ exit: 5, error: { code: 'unknown-keys' } });
      await operators.until({ runner: operators.sync(world.hosts[0]) });
    }
    expect(stage.published).toEqual(['k1', 'k2']);
    expect(stage.delivered).toBe('k2');
  });
});
