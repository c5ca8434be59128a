import { rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { editManifest, newestRecord, readRecord, storedNames } from './backups.js';
import type { RotateDocument, Site } from './fixtures.js';
import { kidOf, publishedKids } from './look.js';
import { runAll, scene } from './scene.js';

let site: Site;
const rotatedTwice = scene((made) => runAll(made, 'rotate', 'rotate --immediate'));
beforeEach(async () => {
  site = await rotatedTwice();
});

async function ran(...args: string[]) {
  const { code, document } = await site.world.json<RotateDocument>(args);
  return { code, error: document.error?.code ?? document.keysets?.[0]?.problems?.map((one) => one.code).join(' ') };
}

describe('what a host remembers, damaged', () => {
  it('ends everything but retire, which names it', async () => {
    const former = await kidOf(site, 1);
    writeFileSync(newestRecord(site.world), '{"schema":1');
    const before = storedNames(site.world);
    for (const verb of [['rotate'], ['rotate', '--force'], ['sync'], ['rollback', '--yes']]) {
      expect({ verb, ...(await ran(...verb)) }).toEqual({ verb, code: 5, error: 'record-damaged' });
    }
    expect(storedNames(site.world)).toEqual(before);
    const retired = await ran('retire', '--kid', former, '--yes', '--deadline', '10s');
    expect(retired.code).toBe(4);
    expect(retired.error).toContain('record-damaged');
    expect(publishedKids(site)).not.toContain(former);
  });
});

describe('what a host remembers, where it can not be written', () => {
  it('ends a run before the effects of its commit, and is named in an incident', async () => {
    const former = await kidOf(site, 1);
    rmSync(site.world.path('records'), { recursive: true });
    writeFileSync(site.world.path('records'), '');
    const published = publishedKids(site);
    expect((await ran('rotate', '--force')).code).toBe(3);
    expect(publishedKids(site)).toEqual(published);
    const retired = await ran('retire', '--kid', former, '--yes', '--deadline', '10s');
    expect(retired.code).toBe(4);
    expect(retired.error).toContain('store-not-a-directory');
    expect(publishedKids(site)).not.toContain(former);
  });
});

describe('a keyset of another host, and a host that remembers nothing of it (trace 26)', () => {
  beforeEach(() => {
    editManifest(site.world, (manifest) => ({ ...manifest, host: { id: 'elsewhere', hostname: 'beta' } }));
    rmSync(site.world.path('records'), { recursive: true });
  });

  it('is taken over only after its newest event was shown, and a yes', async () => {
    const before = storedNames(site.world);
    expect(await ran('rotate')).toEqual({ code: 5, error: 'other-host' });
    // To be refused is not to know it.
    const { code, stdout, stderr } = await site.world.run(['rotate', '--take-over']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('keyset api belongs to host "beta", and this host remembers nothing of it');
    expect(stderr).toMatch(
      /^the store has revision \d+, and its newest event is \S+ of "\S{43}", 20\S+Z \(\d+s ago\)$/m,
    );
    expect(stderr).toContain('there is no terminal to ask on; nothing was changed\nhint: run it again with --yes\n');
    expect(storedNames(site.world)).toEqual(before);
    expect((await ran('rotate', '--take-over', '--yes')).code).toBe(0);
    expect(readRecord(site.world).revision).toBeGreaterThan(1);
    expect((await ran('rotate')).code).toBe(0);
  });

  it('is not asked about where the host knew it, nor in a dry run', async () => {
    expect((await ran('rotate', '--take-over', '--dry-run')).code).toBe(0);
    await ran('sync');
    expect((await ran('rotate', '--take-over')).code).toBe(0);
  });
});
