import { describe, expect, it } from 'vitest';
import type { RetireRequest } from '../../src/keyset/questions/incidents.js';
import { publicJwkOf } from './keys.js';
import { NO_REACH } from './reach.js';
import { HOUR, MINUTE, SECOND, Stage } from './stage.js';

const REACH = { ...NO_REACH, restores: true };

/** k1 signs; the store is backed up; k2 is made, and signs; the store is set back to when nobody knew k2. */
async function restoredFromBeforeK2(withSecrets: boolean): Promise<Stage> {
  const stage = new Stage({ reach: REACH });
  const { operators, world } = stage;
  await stage.begin();
  const backup = world.store.backups.before(0);
  await operators.run({ force: true });
  await operators.pass(12 * MINUTE);
  await operators.run();
  expect(stage.active).toBe('k2');
  await operators.pass(HOUR);
  await operators.run();
  world.store.setBack(backup, withSecrets);
  expect(stage.manifest.keys).toHaveLength(1);
  return stage;
}

/** k1 leaked and was retired, k2 signs; the store is set back to when k1 signed. */
async function restoredAfterIncident(withSecrets = true): Promise<Stage> {
  const stage = new Stage({ reach: REACH, secondHost: true });
  const { operators, world } = stage;
  await stage.begin();
  await operators.until({ runner: operators.sync(world.hosts[1]) });
  const backup = world.store.backups.before(0);
  await operators.until(operators.retire(stage.kid('k1')));
  await operators.until({ runner: operators.sync(world.hosts[1]) });
  expect(stage.published).toEqual(['k2']);
  world.store.setBack(backup, withSecrets);
  expect(stage.active).toBe('k1');
  return stage;
}

const keyOf = (name: string) => {
  const thumbprint = name.padEnd(43, '-');
  return { kid: thumbprint, thumbprint, alg: 'ES256', publicJwk: publicJwkOf('ES256', thumbprint) } as const;
};

describe('Histories 19, 20, 23, 24 and 29: of a store that was restored', () => {
  it.each([true, false])(
    '19: a key that was made after the backup leaks: its incident comes to an end (keys too: %s)',
    async (withSecrets) => {
      const stage = await restoredFromBeforeK2(withSecrets);
      const { operators } = stage;
      expect(stage.published).toContain('k2');
      const stray = { ...keyOf('k2'), hasPrivate: true };
      const retire: RetireRequest = {
        kid: stray.kid,
        reason: 'compromised',
        deadline: 2 * MINUTE,
        noReplacement: false,
        purge: false,
        stray,
      };
      const result = await operators.run({ retire, incidentOnly: true });
      expect(result).toMatchObject({ error: null, exit: 4, isOtherHistory: true });
      expect(result?.problems.map(({ code }) => code)).toContain('other-history');
      expect(stage.key('k2')).toMatchObject({ state: 'retired', reason: 'compromised' });
      expect(stage.published).toEqual(['k1']);
      expect(stage.delivered).toBeNull();
      await operators.pass(HOUR);
      expect(await operators.run()).toMatchObject({ exit: 5, error: { code: 'other-history' } });
      await operators.until(operators.recover());
      expect(await operators.run()).toMatchObject({ error: null });
      expect(stage.published).not.toContain('k2');
      expect(await stage.broken()).toEqual([]);
    },
  );

  it('20: a sync after a restore publishes nothing, and its hint leads to nothing that does', async () => {
    const stage = await restoredAfterIncident();
    const { operators, world } = stage;
    for (const [i, host] of world.hosts.entries()) {
      const { publish } = world.outlets[i === 0 ? 0 : 1];
      for (let n = 0; n < 5; n += 1) {
        await operators.until({ runner: operators.sync(host) });
        expect(operators.hints.get(host)).toEqual([expect.stringMatching(/: jwtrot store recover --keyset api$/)]);
        expect(publish[0]!.content.kids).toEqual([keyOf('k2').kid]);
        await operators.pass(HOUR);
      }
    }
    await operators.until(operators.recover());
    for (const host of world.hosts) await operators.until({ runner: operators.sync(host) });
    expect(stage.key('k1').state).toBe('retired');
    for (const { publish } of world.outlets) expect(publish[0]!.content.kids).toEqual([keyOf('k2').kid]);
    expect(await stage.broken()).toEqual([]);
  });

  it('23: a retired pair returns under no kid; its kid alone is only a name', async () => {
    const stage = new Stage();
    const { operators, world } = stage;
    await stage.begin();
    const imported = async (pair: string, kid: string, isPrivate = false) => {
      const privateKey = isPrivate ? new Uint8Array(Buffer.from(keyOf(pair).thumbprint)) : null;
      await operators.until(operators.adopt({ ...keyOf(pair), kid, privateKey }));
      return world.history.at(-1);
    };
    const refused = /ends: key .* was retired from keyset api, as this host remembers: it never returns/;
    expect(await imported('k9', 'key-1')).toMatch(/ends: adopted/);
    await operators.until(operators.retire('key-1'));
    expect(await imported('k9', 'key-2')).toMatch(refused);
    expect(await imported('k9', 'key-2', true)).toMatch(refused);
    expect(await imported('k8', 'key-1')).toMatch(/ends: keyset api has had another key named/);
    expect(await imported('k8', 'key-8')).toMatch(/ends: adopted/);
    // A manifest keeps the newest tombstones alone; a host ten times as many.
    const keys = stage.manifest.keys.filter(({ kid }) => kid !== 'key-1');
    world.store.newest = { version: 'pruned', manifest: { ...stage.manifest, keys, retirements: [] } };
    expect(await imported('k9', 'key-2')).toMatch(refused);
    expect(stage.manifest.keys).toEqual(keys);
    expect(await imported('k7', 'key-1')).toMatch(/ends: adopted/);
    expect(stage.manifest.keys.at(-1)).toMatchObject({ kid: 'key-1', thumbprint: keyOf('k7').thumbprint });
    expect(world.violations).toEqual([]);
  });

  it('24: store recover does not recover from an answer that is old for half a minute', async () => {
    const stage = new Stage({ reach: REACH });
    const { operators, world } = stage;
    await stage.begin();
    const backup = world.store.backups.before(0);
    await operators.until(operators.retire(stage.kid('k1')));
    const { lineage, revision } = stage.manifest;
    Object.assign(world.shape.faults, { lag: 1e-9 });
    world.store.answerOld(backup, 30 * SECOND);
    await operators.until(operators.recover());
    expect(world.history.at(-1)).toMatch(/ends: nothing has to be recovered/);
    expect(stage.manifest).toMatchObject({ lineage, revision });
    expect(stage.published).toEqual(['k2']);
    expect(world.violations).toEqual([]);
  });

  it.each([true, false])(
    '29: what was made after the backup of manifests is no orphan after a recovery, and no kid is made twice (this host knows: %s)',
    async (isKnown) => {
      const stage = await restoredFromBeforeK2(false);
      const { operators, world } = stage;
      const secret = keyOf('k2').thumbprint;
      expect(world.store.secrets.has(secret)).toBe(true);
      if (!isKnown) {
        world.hosts[0].record = null;
        for (const place of [...world.outlets[0].publish, ...world.outlets[0].deliver]) place.record = null;
      }
      await operators.until(operators.recover());
      expect(stage.manifest.keys.map(({ thumbprint }) => thumbprint)).toEqual([keyOf('k1').kid, secret]);
      expect(stage.active).toBe('k2');
      const result = await operators.run({ force: true });
      expect(result?.error).toBeNull();
      const kids = stage.manifest.keys.map(({ kid }) => kid);
      expect(kids).toEqual([...new Set(kids)]);
      expect(await stage.broken()).toEqual([]);
    },
  );
});
