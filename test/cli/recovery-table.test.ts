import { expect, it } from 'vitest';
import { palette } from '../../src/cli/output/paint.js';
import { recoveryTables } from '../../src/cli/output/recovery.js';
import { recover } from '../../src/keyset/recovery/recovery.js';
import { OLD } from '../keyset/recovery-cases.js';
import { delivered, evidence, jwks, NOTHING_SAID, remembers, secrets, verifier } from '../keyset/recovery-scenes.js';

it.each([40, 80, 120])('what store recover shows fits into %d columns', (columns) => {
  const found = evidence({
    manifest: OLD,
    record: remembers('k4'),
    secrets: secrets('k1', 'k2'),
    outlets: [jwks(['k1', 'k2', 'k3']), delivered('k3')],
    services: [verifier('k2')],
  });
  const { recovery } = recover(found, NOTHING_SAID);
  const text = recoveryTables(found, recovery, 'directory /var/lib/jwtrot/store', { color: palette(false), columns });
  expect(text.split('\n').filter((line) => line.length > columns)).toEqual([]);
  expect(text).toContain(columns === 40 ? '\n  BECOMES  ' : '  BECOMES ');
});
