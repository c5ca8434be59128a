import { describe, expect, it } from 'vitest';
import type { Manifest, Retirement } from '../../src/keyset/manifest/model.js';
import type { Run } from '../../src/rollout/run.js';
import { askDropped } from '../../src/rollout/steps/retire.js';
import type { Role } from '../../src/services/service.js';
import { Fleet, said } from './fleet.js';

const KEYS = [
  { kid: 'k1', state: 'active' },
  { kid: 'k4', state: 'deprecated' },
  { kid: 'k5', state: 'retired' },
];

/** A service that still holds k5, and whose reload reads a set with one key alone. */
async function dropped(
  retirements: readonly Partial<Retirement>[],
  role: Role = 'verifier',
  reads = 'k1',
  keys: readonly object[] = KEYS,
): Promise<string[]> {
  const fleet = new Fleet();
  fleet.service('api', 'a', { role });
  fleet.member('api/a').kid = 'k5';
  fleet.wanted = reads;
  const known = { keys, retirements, rollout: null } as unknown as Manifest;
  const { ledger, context, ...run } = fleet.run;
  const asked = {
    ...run,
    context: { ...context, services: fleet.services },
    ledger: { ...ledger, known, manifest: known },
  } as unknown as Run;
  return said(await fleet.clock.drive(askDropped(asked, ['k5'], null)));
}

describe('a verifier that is to drop a key', () => {
  it('is not confirmed while it lacks another whose tokens live: its reload read a stale copy', async () => {
    expect(await dropped([])).toEqual(['api/a: does not accept "k4"']);
  });

  it('is, in an incident: that the key is gone is what counts', async () => {
    expect(await dropped([{ kid: 'k5', checkAgainAt: null }])).toEqual(['api/a']);
  });

  it('is not at the second look, when the incident is over but for that', async () => {
    const retirement = { kid: 'k5', requestedAt: 1, checkAgainAt: 2 };
    const keys = KEYS.map((key) => ({ ...key, droppedAt: 1 }));
    expect(await dropped([retirement], 'verifier', 'k1', keys)).toEqual(['api/a: does not accept "k4"']);
  });

  it('is not confirmed where it signs, too, and the reload brought a former key back', async () => {
    const [answer] = await dropped([], 'both', 'k4');
    expect(answer).toContain('signs with "k4"');
  });
});
