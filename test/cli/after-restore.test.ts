import { expect, it } from 'vitest';
import { stepFor } from '../../src/cli/store/after-restore.js';
import type { Suspicion } from '../../src/cli/suspicion.js';
import { firstManifest } from '../support/manifest.js';

it.each<[Suspicion['why'], string]>([
  ['outlet-ahead', 'an outlet was written from a later history of it'],
  ['lower-revision', 'this host knows a later history of it'],
  ['record-damaged', 'what this host remembers of it is damaged'],
])('a restored store is recovered where rotate would refuse it: %s', (why, because) => {
  const step = stepFor({ why, text: '', isDoubtful: false }, firstManifest('api'), 'here');
  expect(step).toEqual({ command: 'jwtrot store recover', why: because });
  expect(stepFor(null, firstManifest('api'), 'here').command).toBe('jwtrot rotate');
});
