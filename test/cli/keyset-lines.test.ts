import { expect, it } from 'vitest';
import { bounded, keysetLine } from '../../src/cli/store/keyset-lines.js';

it('thousands of keysets have 20 lines, and one that says how many more there are', () => {
  const keysets = Array.from({ length: 20_000 }, (_, i) => ({ name: `k${i}`, manifest: null, keys: [] }));
  const lines = bounded(keysets.map(keysetLine));
  expect(lines).toHaveLength(21);
  expect(lines[0]).toBe('k0: no manifest, 0 wrapped keys');
  expect(lines.at(-1)).toBe('and 19980 more (--json lists all)');
  expect(bounded(lines.slice(0, 20))).toEqual(lines.slice(0, 20));
});
