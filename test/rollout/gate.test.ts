import { describe, expect, it } from 'vitest';
import { lookOnceMore } from '../../src/rollout/ask.js';
import type { Run } from '../../src/rollout/run.js';
import { activate } from '../../src/rollout/steps/verifiers.js';
import { atTheGate } from './at-the-gate.js';
import { Fleet } from './fleet.js';

const MINUTE = 60_000;

describe('the gate', () => {
  it.each([
    ['as long as the first look took', null, 100_000],
    ['no longer than until the deadline of an incident', 3_000, 3_000],
  ])('waits for its last look %s', async (_what, by, most) => {
    const fleet = new Fleet();
    fleet.service('api', 'a', { role: 'verifier', health: { deadline: 300_000 } });
    fleet.member('api/a').up = false;
    const answers = await fleet.clock.drive(lookOnceMore(fleet.run, -100_000, fleet.services, { accepts: ['k2'] }, by));
    expect(answers).toMatchObject([{ confirmed: false }]);
    expect(fleet.clock.now()).toBe(most);
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
        { ...ledger, assertTimeFor: () => (stopped += stopped === 0 ? MINUTE : 0) },
        { known: { get: () => manifest() }, manifest: { get: () => manifest() } },
      ),
    } as unknown as Run;
    await fleet.clock.drive(activate(halting, 'k2'));
    expect(stopped).toBe(MINUTE);
    expect(manifest().keys.map(({ state }) => state)).toEqual(['active', 'pending']);
    await fleet.clock.drive(activate(halting, 'k2'));
    expect(manifest().keys.map(({ state }) => state)).toEqual(['deprecated', 'active']);
  });
});
