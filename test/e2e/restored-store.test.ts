import { chmodSync, cpSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asOfVersion010, backUp, editManifest, newestRecord, readRecord, restore, storedNames } from './backups.js';
import type { RotateDocument, Site, StatusDocument } from './fixtures.js';
import { deliveredKid, kidOf, publishedKids, statesOf } from './look.js';
import { recover } from './recovering.js';
import { runAll, scene } from './scene.js';

let site: Site;

const SOMEBODY_ELSES = { id: 'c1', at: '2026-01-01T00:00:00.000Z' };

/** v1 signed before v2, and both were in the backup; then v1 was retired. */
const afterRetire = scene(async (made) => {
  await runAll(made, 'rotate', 'rotate --immediate');
  backUp(made.world);
  cpSync(made.world.path('records'), made.world.path('backup-records'), { recursive: true });
  const leaked = await kidOf(made, 1);
  await runAll(made, `retire --kid=${leaked} --yes --deadline 10s`);
  expect(publishedKids(made)).not.toContain(leaked);
  restore(made.world);
});
async function restoredAfterRetire(): Promise<string> {
  site = await afterRetire();
  return kidOf(site, 1);
}
const begun = scene((made) => runAll(made, 'rotate'));

async function refusals(attempts: readonly (readonly string[])[]) {
  const found: [string, number | null, string | undefined][] = [];
  for (const attempt of attempts) {
    const { code, document } = await site.world.json<RotateDocument>(attempt);
    found.push([attempt.join(' '), code, document.error?.code]);
  }
  return found;
}

describe('a store that was restored from before a key was retired', () => {
  it('never brings the key back: whatever is tried, and however often, ends before any commit', async () => {
    const leaked = await restoredAfterRetire();
    const [kept, delivered, stored] = [publishedKids(site), deliveredKid(site), storedNames(site.world)];
    const attempts = [
      ['rotate'],
      ['rotate'],
      ['rotate'],
      ['rotate', '--dry-run'],
      ['rotate', '--force'],
      ['rotate', '--immediate'],
      ['sync'],
      ['rollback', '--yes'],
      ['rotate', '--accept-clock'],
      ['jwks'],
      ['jwks', '--pem'],
    ];
    const refused = attempts.map((attempt) => [attempt.join(' '), 5, 'other-history']);
    expect(await refusals(attempts)).toEqual(refused);
    expect(publishedKids(site)).toEqual(kept);
    expect(deliveredKid(site)).toBe(delivered);
    expect(storedNames(site.world)).toEqual(stored);
    expect(readRecord(site.world).retired).toContainEqual({ thumbprint: leaked, kid: leaked, isLeaving: true });
  }, 60_000);

  it('is said with the reason, both revisions and the next command', async () => {
    await restoredAfterRetire();
    const known = readRecord(site.world).revision;
    const { stdout, stderr } = await site.world.run(['rotate']);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      new RegExp(
        `^jwtrot: directory \\S+ holds another history of keyset api than this host knows: the store has revision \\d+, and this host knows revision ${known}; nothing was changed\n` +
          'hint: if the store was restored from a backup, or lost: jwtrot store recover --keyset api\n$',
      ),
    );
    const status = await site.world.run(['status']);
    expect(status.stdout).toContain('another history than this host knows: the store has revision');
    const { document } = await site.world.json<StatusDocument>(['status']);
    expect(document.keysets[0]).toMatchObject({
      otherHistory: 'lower-revision',
      lineage: readRecord(site.world).lineage,
    });
    expect((await site.world.run(['status', '--check'])).code).toBe(2);
    const signing = await kidOf(site, 2);
    const retired = await site.world.run(['retire', '--kid', signing, '--yes', '--deadline', '5s']);
    expect(retired.stderr).toMatch(
      new RegExp(
        `\nhistory {8}another than this host knows: the store has revision \\d+, and this host knows revision ${known}\n` +
          'exposure {7}ends within 5s, whoever answers, but not in \\S+jwks\\.json; no replacement: from there none can be published\n' +
          'only key {7}it is the only one there, and stays unless you add --no-replacement\n' +
          'signers {8}go on signing with it, and what they sign is rejected, until the store is recovered\n' +
          'then {11}jwtrot store recover --keyset api\n',
      ),
    );
    expect(retired.code).toBe(4);
  });

  it('is known by the records beside the outlets, where this host has lost what it remembers', async () => {
    const leaked = await restoredAfterRetire();
    const stored = storedNames(site.world);
    rmSync(site.world.path('records'), { recursive: true });
    const attempts = [['rotate'], ['sync'], ['rotate', '--force'], ['rotate']];
    expect(await refusals(attempts)).toEqual(attempts.map((attempt) => [attempt.join(' '), 5, 'other-history']));
    expect(publishedKids(site)).not.toContain(leaked);
    expect(storedNames(site.world)).toEqual(stored);
    expect((await site.world.run(['status'])).stdout).toContain('was written from revision');
  });

  it('is known by what outlets hold, where what this host remembers was put back with it', async () => {
    const leaked = await restoredAfterRetire();
    rmSync(site.world.path('records'), { recursive: true });
    cpSync(site.world.path('backup-records'), site.world.path('records'), { recursive: true });
    const attempts = [['rotate', '--force'], ['sync'], ['rotate']];
    expect(await refusals(attempts)).toEqual(attempts.map((attempt) => [attempt.join(' '), 5, 'other-history']));
    const unsure = await recover(site, '--yes');
    expect(unsure.document).toMatchObject({
      error: { code: expect.any(String) },
      keysets: [{ because: 'outlet-ahead' }],
    });
    expect(publishedKids(site)).not.toContain(leaked);
  });

  it('is known by the commit, too, where it has gone on elsewhere up to the same revision', async () => {
    await restoredAfterRetire();
    const { revision } = readRecord(site.world);
    editManifest(site.world, (manifest) => {
      const commits = Array.from({ length: revision + 1 }, (_, i) => ({ ...SOMEBODY_ELSES, id: `x${i}` }));
      return { ...manifest, revision: revision + 1, commits };
    });
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect({ code, error: document.error?.code }).toEqual({ code: 5, error: 'other-history' });
    expect(document.error?.message).toContain(`revision ${revision} in it is another commit`);
  });

  it('is known by a key in use that was retired, where its commits can not be compared any more', async () => {
    const leaked = await restoredAfterRetire();
    const { revision } = readRecord(site.world);
    editManifest(site.world, (manifest) => ({ ...manifest, revision: revision + 100, commits: [SOMEBODY_ELSES] }));
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect({ code, error: document.error?.code }).toEqual({ code: 5, error: 'other-history' });
    expect(document.error?.message).toContain(`key "${leaked}" is in use`);
    expect(publishedKids(site)).not.toContain(leaked);
  });
});

describe('a store that was lost', () => {
  it('is not begun anew beside what this host knows', async () => {
    site = await begun();
    const kept = publishedKids(site);
    rmSync(site.world.path('store'), { recursive: true });
    rmSync(site.world.path('public/jwks.json'));
    rmSync(site.world.path('private/api.jwk'));
    expect(await refusals([['rotate'], ['sync'], ['rotate'], ['rollback', '--yes']])).toEqual([
      ['rotate', 5, 'other-history'],
      ['sync', 5, 'other-history'],
      ['rotate', 5, 'other-history'],
      ['rollback --yes', 5, 'other-history'],
    ]);
    expect(storedNames(site.world)).toEqual([]);
    expect(kept).toHaveLength(1);
  });
});

describe('a store whose keys are older than its manifest', () => {
  it('is another history to a host that remembers nothing of it', async () => {
    site = await begun();
    await site.world.run(['rotate', '--immediate']);
    const former = await kidOf(site, 1);
    rmSync(site.world.path(`store/api/keys/${former}.json`));
    // What this host has seen itself it does not look for again.
    expect((await site.world.run(['rotate'])).code).toBe(0);
    rmSync(site.world.path('records'), { recursive: true });
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect({ code, error: document.error?.code }).toEqual({ code: 5, error: 'other-history' });
    expect(document.error?.message).toContain(`key "${former}" is in use`);
  });
});

describe('a store that was recovered on another host', () => {
  it('is the same history where it names the former lineage (trace 25)', async () => {
    site = await begun();
    const { lineage, revision } = readRecord(site.world);
    editManifest(site.world, (manifest) => ({
      ...manifest,
      lineage: 'recovered',
      formerLineages: [lineage],
      revision: revision + 1_000_000,
    }));
    const rotated = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect({ code: rotated.code, outcome: rotated.document.keysets[0]?.outcome }).toEqual({
      code: 0,
      outcome: 'rotated',
    });
    expect(readRecord(site.world).lineage).toBe('recovered');
    expect(readRecord(site.world).revision).toBeGreaterThan(revision + 1_000_000);
  });

  it('is another one where it does not', async () => {
    site = await begun();
    editManifest(site.world, (manifest) => ({ ...manifest, lineage: 'somebody-elses' }));
    expect(await refusals([['rotate'], ['sync'], ['rotate']])).toEqual([
      ['rotate', 5, 'other-history'],
      ['sync', 5, 'other-history'],
      ['rotate', 5, 'other-history'],
    ]);
  });
});

describe('a manifest of jwtrot 0.1.0, which names no lineage', () => {
  it('is refused nothing, and gets one with its first commit', async () => {
    site = await begun();
    const active = await kidOf(site, 1);
    asOfVersion010(site.world);
    expect((await site.world.run(['rotate'])).stdout).toContain('nothing due');
    // What is written before the first commit belongs to no history yet.
    chmodSync(site.world.path('private/api.jwk'), 0o640);
    const { stdout, code } = await site.world.run(['sync']);
    expect({ stdout, code }).toEqual({ stdout: expect.stringContaining('wrote the signing key'), code: 0 });
    const before = await site.world.json<StatusDocument>(['status']);
    expect(before.document.keysets[0]).toMatchObject({ lineage: null, otherHistory: null });
    const rotated = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect({ code: rotated.code, outcome: rotated.document.keysets[0]?.outcome }).toEqual({
      code: 0,
      outcome: 'rotated',
    });
    expect(await statesOf(site)).toEqual({ v1: 'deprecated', v2: 'active' });
    expect(publishedKids(site)).toContain(active);
    const after = await site.world.json<StatusDocument>(['status']);
    expect(after.document.keysets[0]).toMatchObject({ lineage: readRecord(site.world).lineage, otherHistory: null });
  });

  it('is another history once this host has seen it with one', async () => {
    site = await begun();
    expect(newestRecord(site.world)).toMatch(/records\/api\/\d{10}\.json$/);
    editManifest(site.world, ({ lineage: _, ...manifest }) => manifest);
    expect(await refusals([['rotate']])).toEqual([['rotate', 5, 'other-history']]);
  });
});
