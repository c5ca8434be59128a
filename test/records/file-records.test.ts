import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import { realFiles } from '../../src/outside/durable-files.js';
import { createFileRecords } from '../../src/records/file-records.js';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'jwtrot-records-'));
});
afterEach(() => rm(state, { recursive: true, force: true }));

const record: KeysetRecord = {
  keyset: 'api',
  lineage: 'a',
  revision: 1,
  commit: 'c1',
  retired: [{ thumbprint: 't', kid: 'k' }],
  named: [{ thumbprint: 'u', kid: 'key-1' }],
  outlets: [{ outlet: '/srv/jwks.json', sha256: null }],
};
const folder = () => join(state, 'records');
const records = (files = realFiles) => createFileRecords({ folder: folder(), keyset: 'api', files });

describe('records of a host', () => {
  it('know nothing at first, and make nothing by reading', async () => {
    expect(await records().read()).toBeNull();
    expect(await readdir(state)).toEqual([]);
  });

  it('give back what was written, for each keyset its own', async () => {
    await records().update(() => record);
    expect(await records().read()).toEqual(record);
    expect(await createFileRecords({ folder: folder(), keyset: 'web' }).read()).toBeNull();
  });

  it('leave things as they are when there is nothing to change', async () => {
    await records().update(() => record);
    await records().update(() => null);
    expect(await records().read()).toEqual(record);
    expect(await readdir(join(folder(), 'api'))).toHaveLength(1);
  });

  it('are damaged by one that none can follow, which is put aside when they are made anew', async () => {
    await records().update(() => record);
    const forged = join(folder(), 'api/9999999999.json');
    await writeFile(forged, JSON.stringify({ schema: 1, ...record }));
    const update = () => records().update((known) => ({ ...(known ?? record), revision: 2 }));
    for (const attempt of [() => records().read(), update]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'record-damaged',
        message: expect.stringContaining(forged),
      });
    }
    await records().update(() => ({ ...record, revision: 3 }), { overDamaged: true });
    expect((await records().read())?.revision).toBe(3);
    expect(await readdir(join(folder(), 'api'))).toContain('9999999999.json.foreign');
  });

  it('lose nothing when many write at once', async () => {
    const kids = Array.from({ length: 12 }, (_, i) => `k${i}`);
    await records().update(() => ({ ...record, retired: [] }));
    await Promise.all(
      kids.map((kid) =>
        records().update((known) => ({
          ...(known ?? record),
          retired: [...(known?.retired ?? []), { thumbprint: kid, kid }],
        })),
      ),
    );
    const found = (await records().read())?.retired.map((one) => one.kid).sort();
    expect(found).toEqual(kids.sort());
  });

  it('lose nothing where others have written so much meanwhile that the number is free again', async () => {
    await records().update(() => ({ ...record, retired: [] }));
    const adding = (kid: string) => (known: KeysetRecord | null) => ({
      ...(known ?? record),
      retired: [...(known?.retired ?? []), { thumbprint: kid, kid }],
    });
    let isFirst = true;
    const link: typeof realFiles.link = async (from, to) => {
      if (isFirst) {
        isFirst = false;
        for (const kid of ['a', 'b', 'c', 'd', 'e', 'f']) await records().update(adding(kid));
      }
      return realFiles.link(from, to);
    };
    await records({ ...realFiles, link }).update(adding('late'));
    const kids = (await records().read())?.retired.map(({ kid }) => kid);
    expect(kids).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'late']);
    expect(await readdir(join(folder(), 'api'))).toHaveLength(4);
  });

  it('keep few files, and none aside', async () => {
    for (let revision = 1; revision <= 9; revision += 1) await records().update(() => ({ ...record, revision }));
    expect(await readdir(join(folder(), 'api'))).toEqual([6, 7, 8, 9].map((n) => `000000000${n}.json`));
  });

  it('say so when the newest is damaged, and do not take the one before', async () => {
    await records().update(() => record);
    await records().update(() => ({ ...record, revision: 2 }));
    for (const text of ['', '{', '{"schema":1}', JSON.stringify({ schema: 1, ...record, keyset: 'web' })]) {
      await writeFile(join(folder(), 'api', '0000000002.json'), text);
      await expect(records().read()).rejects.toMatchObject({ code: 'record-damaged', kind: 'refused' });
    }
  });

  it('say so when they can not be read', async () => {
    await writeFile(folder(), 'something else');
    const failure = { kind: 'store', code: 'store-not-a-directory' };
    await expect(records().read()).rejects.toMatchObject(failure);
    await expect(records().update(() => record)).rejects.toMatchObject(failure);
  });

  it('say so when they can not be written, and hold what they held', async () => {
    await records().update(() => record);
    const full = {
      ...realFiles,
      link: async () => {
        throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      },
    };
    await expect(records(full).update(() => ({ ...record, revision: 2 }))).rejects.toMatchObject({
      code: 'store-full',
      kind: 'store',
    });
    expect((await records().read())?.revision).toBe(1);
  });
});
