import { describe, expect, it } from 'vitest';
import { recheck } from '../../src/rollout/ask.js';
import type { Run } from '../../src/rollout/run.js';
import { activate } from '../../src/rollout/steps/verifiers.js';
import { ACTIVATE, atTheGate } from './at-the-gate.js';
import { Fleet } from './fleet.js';

const MINUTE = 60_000;

describe('the gate', () => {
  it.each([
    ['as long as the first look took', 100_000, null, 100_000],
    ['ten seconds where the first look was quick', 1_001, null, 10_000],
    ['no longer than until the deadline of an incident', 100_000, 3_000, 3_000],
  ])('waits for its last look %s', async (_what, took, by, most) => {
    const fleet = new Fleet();
    fleet.service('api', 'a', { role: 'verifier', health: { deadline: 300_000 } });
    fleet.member('api/a').up = false;
    const answers = await fleet.clock.drive(
      recheck(fleet.run, -took, { services: fleet.services, wanted: { accepts: ['k2'] } }, by),
    );
    expect(answers).toMatchObject([{ confirmed: false }]);
    expect(fleet.clock.now()).toBe(most);
  });

  it('says of its last look what is new: not that who has confirmed confirms again', async () => {
    const fleet = new Fleet();
    for (const name of ['a', 'b']) fleet.service('api', name, { role: 'verifier', health: { deadline: 300_000 } });
    for (const name of ['a', 'b']) fleet.member(`api/${name}`).kid = 'k2';
    const look = () =>
      fleet.clock.drive(recheck(fleet.run, -2_000, { services: fleet.services, wanted: { accepts: ['k2'] } }, null));
    expect((await look()).map(({ confirmed }) => confirmed)).toEqual([true, true]);
    expect(fleet.events).toEqual([]);
    fleet.member('api/b').kid = 'k1';
    expect((await look()).map(({ confirmed }) => confirmed)).toEqual([true, false]);
    expect(fleet.events).toMatchObject([
      { type: 'instance', instance: 'b', state: 'awaited' },
      { type: 'instance', instance: 'b', state: 'unconfirmed' },
    ]);
  });

  it('is passed anew where the run was stopped between its last look and the switch', async () => {
    const fleet = new Fleet();
    fleet.service('api', 'a', { role: 'verifier' });
    fleet.member('api/a').kid = 'k2';
    const { run, manifest } = atTheGate(fleet, 2 * MINUTE);
    let stopped = 0;
    const monotonic = () => fleet.clock.monotonic() + stopped;
    const { known, manifest: _, ...ledger } = run.ledger;
    const halting = {
      ...run,
      context: { ...run.context, clock: { ...run.context.clock, monotonic } },
      ledger: Object.defineProperties(
        { ...ledger, tenure: { ...ledger.tenure, assertTimeFor: () => (stopped += stopped === 0 ? MINUTE : 0) } },
        { known: { get: () => manifest() }, manifest: { get: () => manifest() } },
      ),
    } as unknown as Run;
    await fleet.clock.drive(activate(halting, ACTIVATE));
    expect(stopped).toBe(MINUTE);
    expect(manifest().keys.map(({ state }) => state)).toEqual(['active', 'pending']);
    await fleet.clock.drive(activate(halting, ACTIVATE));
    expect(manifest().keys.map(({ state }) => state)).toEqual(['deprecated', 'active']);
  });
});
