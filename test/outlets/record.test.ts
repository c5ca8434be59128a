import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { OutletPort } from '../../src/outlets/outlet.js';
import type { Records } from '../../src/records/records.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, recordsInMemory, remembering, toFile, tryToWrite, write } from './support.js';

let older: OutletContent;
let newer: OutletContent;
beforeAll(async () => {
  const [one, two] = [await newPair(), await newPair()];
  const { knownKids } = contentOf(1, [one, two]);
  older = { ...contentOf(4, [one]), knownKids };
  newer = contentOf(5, [one, two]);
});

interface Outlet {
  readonly port: OutletPort;
  readonly path: string;
  readonly record: string;
  readonly records: Records;
  readonly text: () => string;
}

function outlet(records: Records = recordsInMemory(remembering(1))): Outlet {
  const folder = diskFolder();
  const path = join(folder, 'jwks.json');
  return {
    port: portOf({ publish: [toFile(path)], records }),
    path,
    record: join(folder, '.jwks.json.jwtrot'),
    records,
    text: () => readFileSync(path, 'utf8'),
  };
}

/** The only problem; the run goes on. */
async function problem(port: OutletPort, content: OutletContent) {
  const { problems, ...written } = await tryToWrite(port, content);
  expect(written).toEqual({ publish: false, deliver: false });
  expect(problems).toHaveLength(1);
  return problems[0];
}

describe('the record beside an outlet', () => {
  it('names the history and the revision, and is replaced whole', async () => {
    const { port, record } = outlet();
    await write(port, older);
    await write(port, { ...newer, revision: Number.MAX_SAFE_INTEGER });
    const lineage = newer.lineage;
    expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual({
      schema: 2,
      keyset: 'api',
      lineage,
      revision: Number.MAX_SAFE_INTEGER,
    });
    expect(lineage).toBeTypeOf('string');
  });

  it('rises also when the text stays the same', async () => {
    const { port, record } = outlet();
    await write(port, older);
    expect(await write(port, { ...older, revision: 9 })).toMatchObject({ publish: false });
    expect(JSON.parse(readFileSync(record, 'utf8')).revision).toBe(9);
  });

  it('of a later revision than the store and this host know keeps the older set away', async () => {
    const { port, text, record } = outlet();
    await write(port, newer);
    expect(await problem(port, older)).toMatchObject({
      kind: 'services',
      code: 'outlet-record-ahead',
      message: expect.stringMatching(/was left as it is: its record .* says revision 5 .* has revision 4/),
      hint: `find out who wrote it, then remove it: rm ${record}`,
    });
    expect(text()).toBe(jwkSetText(newer.jwks));
  });

  it.each([
    '{"schema":1,"keyset":"api","revi',
    '{"schema":2,"keyset":"api","revision":1}',
    '{"schema":3,"keyset":"api","lineage":null,"revision":1}',
    '{"schema":2,"keyset":"api","lineage":null,"revision":1e300}',
    '{"schema":2,"keyset":"api","lineage":["constructor"],"revision":1}',
    '[]',
    'null',
    '7',
    'x'.repeat(5_000),
  ])('that reads %.60s is damaged: its outlet is left and named', async (damage) => {
    const { port, record, text } = outlet();
    await write(port, older);
    writeFileSync(record, damage);
    expect(await problem(port, newer)).toMatchObject({
      code: 'outlet-record-damaged',
      kind: 'services',
      hint: expect.stringContaining(`rm ${record}`),
    });
    expect(text()).toBe(jwkSetText(older.jwks));
    expect(readFileSync(record, 'utf8')).toBe(damage);
  });

  it.each([
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
    ['a directory', (path: string) => mkdirSync(path)],
    ['a link', (path: string) => symlinkSync('/dev/null', path)],
    ['a link to an endless file', (path: string) => symlinkSync('/dev/zero', path)],
  ])('that has become %s is damaged, too, and nobody waits for it', async (_what, make) => {
    const { port, record, text } = outlet();
    await write(port, older);
    unlinkSync(record);
    make(record);
    const began = performance.now();
    expect(await problem(port, newer)).toMatchObject({ code: 'outlet-record-damaged' });
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(text()).toBe(jwkSetText(older.jwks));
  });

  it('of another history is left and named, that of a named former one is taken', async () => {
    const { port, text } = outlet();
    await write(port, older);
    const other = { ...newer, lineage: 'recovered', formerLineages: [] };
    expect(await problem(port, other)).toMatchObject({ code: 'outlet-record-of-other-history' });
    expect(text()).toBe(jwkSetText(older.jwks));
    expect(await write(port, { ...other, formerLineages: [older.lineage ?? ''] })).toMatchObject({ publish: true });
    expect(text()).toBe(jwkSetText(newer.jwks));
  });

  it('counts for its own outlet alone: the others are written', async () => {
    const [one, two] = [outlet(), outlet()];
    await write(one.port, older);
    writeFileSync(one.record, 'garbage');
    const together = portOf({ publish: [...one.port.publish, ...two.port.publish], records: one.records });
    const { problems, publish } = await tryToWrite(together, newer);
    expect(problems.map(({ outlet: label }) => label)).toEqual([one.path]);
    expect(publish).toBe(true);
    expect(two.text()).toBe(jwkSetText(newer.jwks));
  });
});

describe('a record that is gone', () => {
  it('with its outlet, as after a reboot: both are made anew', async () => {
    const { port, path, record, text } = outlet();
    await write(port, older);
    unlinkSync(path);
    unlinkSync(record);
    expect(await write(port, newer)).toMatchObject({ publish: true });
    expect(text()).toBe(jwkSetText(newer.jwks));
    expect(existsSync(record)).toBe(true);
  });

  it('while its outlet holds another set than this host gave it: left and named, until the outlet is removed', async () => {
    const { port, path, record, text } = outlet();
    await write(port, newer);
    unlinkSync(record);
    writeFileSync(path, jwkSetText(older.jwks));
    expect(await problem(port, newer)).toMatchObject({
      code: 'outlet-record-missing',
      hint: `find out who wrote it; to have it written anew: rm ${path}`,
    });
    expect(text()).toBe(jwkSetText(older.jwks));
    unlinkSync(path);
    expect(await write(port, newer)).toMatchObject({ publish: true });
  });

  it('while its outlet holds what this host gave it: made anew', async () => {
    const { port, record, text } = outlet();
    await write(port, older);
    unlinkSync(record);
    expect(await write(port, newer)).toMatchObject({ publish: true });
    expect(text()).toBe(jwkSetText(newer.jwks));
    expect(existsSync(record)).toBe(true);
  });

  it.each([
    ['empty', (record: string) => truncateSync(record, 0)],
    ['zeros', (record: string) => writeFileSync(record, Buffer.alloc(256))],
  ])('that is %s is as if there were none: 0.1.0 wrote it in place', async (_name, damage) => {
    const { port, record } = outlet();
    await write(port, older);
    damage(record);
    expect(await write(port, newer)).toMatchObject({ publish: true });
  });
});

describe('a record of jwtrot 0.1.0', () => {
  const former = (revision: number) => `${JSON.stringify({ schema: 1, keyset: 'api', revision }).padEnd(255)}\n`;

  it('of no later revision becomes one of the present', async () => {
    const { port, path, record } = outlet();
    writeFileSync(path, jwkSetText(older.jwks), { mode: 0o644 });
    writeFileSync(record, former(4), { mode: 0o600 });
    expect(await write(port, newer)).toMatchObject({ publish: true });
    expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({ schema: 2, lineage: newer.lineage });
  });

  it('of a later revision: left and named', async () => {
    const { port, path, record } = outlet();
    writeFileSync(path, jwkSetText(older.jwks), { mode: 0o644 });
    writeFileSync(record, former(6), { mode: 0o600 });
    expect(await problem(port, newer)).toMatchObject({ code: 'outlet-record-ahead' });
  });
});

describe('a run that is killed', () => {
  it('leaves the one or the other record, whole, and its outlet is written by the next run', async () => {
    const { path, record } = outlet();
    const records = recordsInMemory(remembering(1));
    await write(portOf({ publish: [toFile(path)], records }), older);
    // Each of the calls that it makes may be its last.
    for (let call = 0; call < 3; call += 1) {
      let made = 0;
      const dying = portOf({
        publish: [toFile(path)],
        records: {
          read: records.read,
          update: async (change) => {
            if (call === 0) throw new Error('dies before it is remembered');
            await records.update(change);
            if (call === 1) throw new Error('dies before the outlet is written');
          },
        },
        newId: () => {
          made += 1;
          if (call === 2 && made === 2) throw new Error('dies in the midst of the outlet');
          return `id${call}${made}`;
        },
      });
      await expect(write(dying, { ...newer, revision: 10 + call })).rejects.toThrow('dies');
      expect(JSON.parse(readFileSync(record, 'utf8'))).toMatchObject({ schema: 2, revision: 10 + call });
      expect(
        await write(portOf({ publish: [toFile(path)], records }), { ...newer, revision: 10 + call }),
      ).toMatchObject({ publish: true });
      await write(portOf({ publish: [toFile(path)], records }), { ...older, revision: 10 + call });
    }
    rmSync(record);
    expect(readdirSync(join(path, '..')).sort()).toEqual(['.jwks.json.jwtrot-lock', 'jwks.json']);
  });
});

describe('what this host remembers', () => {
  it('of a later revision ends the run: another one has written since it was paused', async () => {
    const records = recordsInMemory(remembering(5));
    const [one, two] = [outlet(records), outlet(records)];
    const together = portOf({ publish: [...one.port.publish, ...two.port.publish], records });
    await expect(write(together, older)).rejects.toMatchObject({ code: 'older-revision', kind: 'refused', exit: 5 });
    expect([existsSync(one.path), existsSync(two.path)]).toEqual([false, false]);
  });

  it('is what each outlet is about to be given, before it is touched', async () => {
    const { path } = outlet();
    const records = recordsInMemory(remembering(1));
    const seen: (string | null)[] = [];
    const watching: Records = {
      read: records.read,
      update: async (change) => {
        await records.update(change);
        seen.push(existsSync(path) ? readFileSync(path, 'utf8') : null);
      },
    };
    const port = portOf({ publish: [toFile(path)], records: watching });
    await write(port, older);
    await write(port, newer);
    expect(seen).toEqual([null, jwkSetText(older.jwks)]);
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256').update(jwkSetText(newer.jwks)).digest('hex');
    expect((await records.read())?.outlets).toEqual([{ outlet: path, sha256 }]);
  });
});
