import { describe, expect, it } from 'vitest';
import { decodeJson, isJsonObject, own } from '../../src/keyset/basics/foreign-json.js';

describe('JSON from outside', () => {
  it('has what its text says and nothing else: no prototype adds a member', () => {
    const decoded = decodeJson('{"a":[{"b":1}]}');
    if (!decoded.ok || !isJsonObject(decoded.value)) throw new Error('no object');
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
      expect(decoded.value[name]).toBeUndefined();
      expect(name in decoded.value).toBe(false);
    }
    expect(JSON.stringify(decoded.value)).toBe('{"a":[{"b":1}]}');
    const [inner] = decoded.value['a'] as { b: number }[];
    expect(Object.getPrototypeOf(inner)).toBeNull();
  });

  it('takes names of the prototype for names', () => {
    const decoded = decodeJson('{"__proto__":{"polluted":true},"constructor":1}');
    if (!decoded.ok || !isJsonObject(decoded.value)) throw new Error('no object');
    expect(decoded.value['polluted']).toBeUndefined();
    expect(Object.keys(decoded.value)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is bounded in depth and length, and never quoted', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(decodeJson(nested(64)).ok).toBe(true);
    expect(decodeJson(nested(65))).toEqual({ ok: false, reason: 'nested deeper than 64' });
    expect(decodeJson(nested(500_000))).toEqual({ ok: false, reason: 'nested deeper than 64' });
    expect(decodeJson(`"${'x'.repeat(1024 * 1024)}"`)).toEqual({
      ok: false,
      reason: 'longer than 1048576 characters',
    });
    expect(decodeJson('{"d":"secret"')).toEqual({ ok: false, reason: 'not JSON' });
  });

  it('keeps scalars as they are', () => {
    for (const text of ['null', 'true', '12', '"text"', '[]']) {
      const decoded = decodeJson(text);
      expect(decoded.ok && JSON.stringify(decoded.value)).toBe(text);
    }
  });
});

it('a table is asked for its own entries alone', () => {
  const table = { RSA: 1 };
  expect(own(table, 'RSA')).toBe(1);
  for (const name of ['constructor', '__proto__', 'toString', 'EC']) expect(own(table, name)).toBeUndefined();
});
