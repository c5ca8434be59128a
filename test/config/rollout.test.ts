import { describe, expect, test } from 'vitest';
import { keysetProblems, load, problems } from './place.js';

const BATCH = 'must be a whole number from 1 to 1000, all or canary';

async function serviceProblems(rollout: string): Promise<string[]> {
  return keysetProblems(
    'maxTokenTtl: 24h',
    'services:',
    `  - rollout: ${rollout}`,
    '    name: a',
    '    role: verifier',
  );
}

describe('A batch that is no batch', () => {
  test.each([
    ['{ batch: 0 }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got 0`],
    ['{ batch: -1 }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got -1`],
    ['{ batch: 1.5 }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got 1.5`],
    ['{ batch: 1001 }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got 1001`],
    ['{ batch: "2" }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got "2"`],
    ['{ batch: 20% }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got "20%"`],
    ['{ batch: al }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got "al", did you mean "all"?`],
    [
      '{ batch: canari }',
      `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got "canari", did you mean "canary"?`,
    ],
    ['{ batch: null }', `:5:27: keysets.api.services[0].rollout.batch: ${BATCH}, got nothing`],
    ['{}', `:5:9: keysets.api.services[0].rollout.batch: is missing: ${BATCH}`],
    ['{ bacth: 1, batch: 1 }', ':5:20: keysets.api.services[0].rollout.bacth: unknown field, did you mean "batch"?'],
    ['1', ':5:18: keysets.api.services[0].rollout: must be a map of fields, got 1'],
  ])('%s is refused in a service', async (rollout, line) => {
    expect(await serviceProblems(rollout)).toEqual([`FILE${line}`]);
  });

  test('is refused in a keyset and in defaults', async () => {
    expect(await keysetProblems('maxTokenTtl: 24h', 'rollout: { batch: most }')).toEqual([
      `FILE:4:23: keysets.api.rollout.batch: ${BATCH}, got "most"`,
    ]);
    const text = 'defaults: { rollout: { batch: 0 } }\nkeysets: { api: { maxTokenTtl: 24h } }\n';
    expect(await problems(text)).toEqual([`FILE:1:31: defaults.rollout.batch: ${BATCH}, got 0`]);
  });

  test('has a field that is looked for where its name is misspelt', async () => {
    const lines = await keysetProblems('maxTokenTtl: 24h', 'rolout: { batch: 1 }');
    expect(lines).toEqual(['FILE:4:5: keysets.api.rolout: unknown field, did you mean "rollout"?']);
  });
});

describe('The batch', () => {
  test('of a keyset is that of the defaults unless it has its own', async () => {
    const { keysets } = await load(`
defaults: { rollout: { batch: 2 } }
keysets:
  a: { maxTokenTtl: 1h }
  b: { maxTokenTtl: 1h, rollout: { batch: all } }
  c: { maxTokenTtl: 1h, rollout: { batch: canary } }
`);
    expect(keysets.map(({ policy }) => policy.rollout)).toEqual([{ batch: 2 }, { batch: 'all' }, { batch: 'canary' }]);
  });

  test('of a service is a canary where its reload restarts it', async () => {
    const { keysets } = await load(`
keysets:
  api:
    maxTokenTtl: 1h
    services:
      - { name: a, role: verifier, reload: { systemd: a.service } }
      - { name: b, role: verifier, reload: { systemd: b.service, action: restart } }
      - { name: c, role: verifier, reload: { systemd: c.service, action: reload-or-restart } }
      - { name: d, role: verifier, reload: { systemd: d.service, action: start } }
      - { name: e, role: verifier, reload: { command: [restart, e] } }
      - { name: f, role: verifier, reload: { systemd: f.service, action: restart }, rollout: { batch: all } }
      - { name: g, role: verifier, rollout: { batch: 3 } }
      - { name: h, role: verifier }
`);
    expect(keysets[0]?.services.map(({ rollout }) => rollout.batch)).toEqual([
      'all',
      'canary',
      'canary',
      'all',
      'all',
      'all',
      3,
      'all',
    ]);
  });
});
