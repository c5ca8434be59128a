import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { jwkSetText, type OutletContent } from '../../src/keyset/projection.js';
import type { OutletPort } from '../../src/outlets/outlet.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, refusal, toFile, write } from './support.js';

let older: OutletContent;
let newer: OutletContent;
beforeAll(async () => {
  const [one, two] = [await newPair(), await newPair()];
  const { knownKids } = contentOf(1, [one, two]);
  older = { ...contentOf(4, [one]), knownKids };
  newer = contentOf(5, [one, two]);
});

function outlet(): { port: OutletPort; path: string; mark: string; text: () => string } {
  const folder = diskFolder();
  const path = join(folder, 'jwks.json');
  return {
    port: portOf({ publish: [toFile(path)] }),
    path,
    mark: join(folder, '.jwks.json.jwtrot'),
    text: () => readFileSync(path, 'utf8'),
  };
}

describe('the mark beside an outlet', () => {
  it('refuses a run whose manifest is older than the one last written', async () => {
    const { port, text } = outlet();
    await write(port, newer);
    const error = await refusal(write(port, older));
    expect(error).toMatchObject({ kind: 'refused', code: 'older-revision', exit: 5 });
    expect(error.message).toMatch(/revision 5 .* revision 4/);
    expect(error.hint).toContain('jwtrot sync --accept-older');
    expect(text()).toBe(jwkSetText(newer.jwks));
  });

  it('takes the older one when that is asked for, and from then on holds by it', async () => {
    const { port, text } = outlet();
    await write(port, newer);
    await write(port, older, { acceptOlder: true });
    expect(text()).toBe(jwkSetText(older.jwks));
    expect(await refusal(write(port, { ...older, revision: 3 }))).toMatchObject({ code: 'older-revision' });
    expect(await write(port, newer)).toMatchObject({ publish: true });
  });

  it('rises also when the text stays the same', async () => {
    const { port } = outlet();
    await write(port, older);
    expect(await write(port, { ...older, revision: 9 })).toMatchObject({ publish: false });
    expect(await refusal(write(port, { ...newer, revision: 8 }))).toMatchObject({ code: 'older-revision' });
  });

  it('keeps its inode and its size, since it is what is locked', async () => {
    const { port, mark } = outlet();
    await write(port, older);
    const before = statSync(mark);
    await write(port, { ...newer, revision: Number.MAX_SAFE_INTEGER });
    expect(statSync(mark)).toMatchObject({ ino: before.ino, size: 256 });
    expect(JSON.parse(readFileSync(mark, 'utf8'))).toEqual({
      schema: 1,
      keyset: 'api',
      revision: Number.MAX_SAFE_INTEGER,
    });
  });

  it('is written before the outlet: a run that dies in between has already shut out the older one', async () => {
    const { port, mark } = outlet();
    await write(port, older);
    const stop = new AbortController();
    const dying = portOf({
      publish: port.publish,
      newId: () => {
        throw new Error('dies here');
      },
    });
    await expect(write(dying, newer, { signal: stop.signal })).rejects.toThrow('dies here');
    expect(JSON.parse(readFileSync(mark, 'utf8')).revision).toBe(5);
    expect(await refusal(write(port, { ...older, revision: 4 }))).toMatchObject({ code: 'older-revision' });
    expect(await write(port, newer)).toMatchObject({ publish: true });
  });

  it.each([
    ['empty', (mark: string) => truncateSync(mark, 0)],
    ['zeros', (mark: string) => writeFileSync(mark, Buffer.alloc(256))],
  ])('that is %s after a crash says that nothing was written yet', async (_name, damage) => {
    const { port, mark } = outlet();
    await write(port, older);
    damage(mark);
    expect(await write(port, { ...older, revision: 1 })).toMatchObject({ publish: false });
  });

  it.each([
    '{"schema":1,"keyset":"api","revi',
    '{"schema":2,"keyset":"api","revision":1}',
    '[]',
    'null',
    '7',
    'x'.repeat(300),
  ])('that reads %s is damaged: nothing is written until the operator says so', async (damage) => {
    const { port, mark, text } = outlet();
    await write(port, older);
    writeFileSync(mark, damage);
    const error = await refusal(write(port, newer));
    expect(error).toMatchObject({ code: 'damaged-mark', exit: 5 });
    expect(text()).toBe(jwkSetText(older.jwks));
    expect(await write(port, newer, { acceptOlder: true })).toMatchObject({ publish: true });
  });

  it('refuses another keyset', async () => {
    const { port, text } = outlet();
    await write(port, older);
    const error = await refusal(write(port, { ...newer, keyset: 'web' }));
    expect(error).toMatchObject({ code: 'other-keyset', exit: 5 });
    expect(text()).toBe(jwkSetText(older.jwks));
  });

  it('of one outlet stops the writing of all', async () => {
    const [one, two] = [outlet(), outlet()];
    await write(one.port, newer);
    const together = portOf({ publish: [...two.port.publish, ...one.port.publish] });
    expect(await refusal(write(together, older))).toMatchObject({ code: 'older-revision' });
    expect(existsSync(two.path)).toBe(false);
  });
});
