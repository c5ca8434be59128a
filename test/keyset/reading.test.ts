import { describe, expect, it } from 'vitest';
import { decodeForReading, decodeManifest, encodeManifest } from '../../src/keyset/manifest/encoding.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { firstManifest, keyOf, newPair, thumbprintOf } from '../support/manifest.js';

type Members = Record<string, unknown>;

async function story(): Promise<Manifest> {
  const [one, two] = [await newPair(), await newPair()];
  const active = keyOf(one, { state: 'active', publishedAt: 5 });
  const pending = keyOf(two, { version: 2, publishedAt: 7 });
  return firstManifest('api', {
    keys: [active, pending],
    rollout: {
      kid: two.thumbprint,
      former: one.thumbprint,
      direction: 'forward',
      phase: 'ahead',
      startedAt: 9,
      forced: false,
      immediate: false,
      signersAnswered: false,
    },
    events: [{ at: 9, type: 'published', kid: two.thumbprint, detail: null }],
  });
}

const read = (json: unknown) => decodeForReading(JSON.stringify(json), 'api', '/store/7.json', thumbprintOf);
const write = (json: unknown) => decodeManifest(JSON.stringify(json), 'api', '/store/7.json', thumbprintOf);
const code = (work: Promise<unknown>) =>
  work.then(
    () => 'read',
    (error: { code?: string }) => error.code,
  );

describe('a manifest that a later jwtrot wrote', () => {
  it('is read without what it added, wherever that is, and refused to writers', async () => {
    const manifest = await story();
    const json = JSON.parse(encodeManifest(manifest));
    const places: Members[] = [
      json,
      json.keys[0],
      json.keys[0].publicJwk,
      json.keys[1],
      json.rollout,
      json.events[0],
      json.commits[0],
    ];
    for (const place of places) Object.assign(place, { holds: [{ because: 'x' }], constructor: 1, audit: { seq: 4 } });
    Object.assign(json, { schema: 2, reads: 1 });
    expect(await read(json)).toEqual({ manifest, isWhole: false });
    expect(await code(write(json))).toBe('manifest-schema');
    expect(await code(write({ ...json, schema: 1 }))).toBe('manifest-damaged');
  });

  it('is refused to readers too if it says that they must know more', async () => {
    const json = JSON.parse(encodeManifest(await story()));
    for (const schema of [1, 2]) expect(await code(read({ ...json, schema, reads: 2 }))).toBe('manifest-schema');
    for (const reads of ['1', 0, 1.5, -1, {}]) expect(await code(read({ ...json, reads }))).toBe('manifest-damaged');
    expect(await code(read({ ...json, schema: '2' }))).toBe('manifest-damaged');
  });
});

describe('a manifest of this jwtrot', () => {
  it('is the same to readers and writers', async () => {
    const manifest = await story();
    const json = JSON.parse(encodeManifest(manifest));
    expect(await read(json)).toEqual({ manifest, isWhole: true });
    expect(await write(json)).toEqual(manifest);
  });

  it('is damaged to readers, too, if something known is missing or wrong', async () => {
    const json = JSON.parse(encodeManifest(await story()));
    for (const change of [
      { revision: undefined },
      { keys: 7 },
      { name: 'web' },
      { keys: [json.keys[0], json.keys[0]] },
    ])
      expect(await code(read({ ...json, ...change }))).toBe('manifest-damaged');
    expect(await code(read({ ...json, keys: [{ ...json.keys[0], state: 'held' }, json.keys[1]] }))).toBe(
      'manifest-damaged',
    );
  });
});
