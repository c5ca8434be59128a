import { describe, expect, it } from 'vitest';
import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { ask } from '../../src/rollout/ask.js';
import { reportedBySigners } from '../../src/rollout/returned.js';
import type { Run } from '../../src/rollout/run.js';
import { confirmSigners } from '../../src/rollout/steps/signers.js';
import { activate } from '../../src/rollout/steps/verifiers.js';
import { ACTIVATE, atTheGate, confirmSwitch } from './at-the-gate.js';
import { Fleet } from './fleet.js';

const MINUTE = 60_000;

function formerKey({ keys }: Manifest): Key | undefined {
  return keys.find((key) => key.kid === 'k1');
}

/** From k1 to k2; the slow signer takes five seconds. @param meanwhile what happens as it is waited for */
async function switched(meanwhile: (fleet: Fleet) => Promise<void> = async () => {}) {
  const fleet = new Fleet();
  fleet.service('quick', 'a');
  fleet.service('slow', 'a', { takes: 5_000 });
  const { run, manifest } = atTheGate(fleet, 2 * MINUTE);
  await fleet.clock.drive(activate(run, ACTIVATE));
  await fleet.clock.drive(Promise.all([confirmSigners(run, confirmSwitch(run)), meanwhile(fleet)]));
  expect(manifest().rollout).toBeNull();
  return { fleet, run: { ...run }, manifest };
}

function reloadAll(run: Run, { services }: Fleet) {
  return ask(run, { services, wanted: { signs: 'k2' }, reload: 'always', until: null });
}

describe('a signer that goes back to the former key by itself', () => {
  it('keeps the clock of that key from starting, while the last of them is waited for', async () => {
    const { manifest } = await switched(async (fleet) => {
      await fleet.clock.sleep(2_000);
      expect(fleet.member('quick/a').kid).toBe('k2');
      fleet.member('quick/a').kid = 'k1';
    });
    expect(formerKey(manifest())).toMatchObject({ state: 'deprecated', signedUntil: null });
    expect(manifest().signersOwed).toBe(true);
    const undisturbed = await switched();
    expect(formerKey(undisturbed.manifest())?.signedUntil).not.toBeNull();
    expect(undisturbed.manifest().signersOwed).toBe(false);
  });

  it('is reloaded once more, and looked at in a later run: then the clock starts', async () => {
    const { fleet, run, manifest } = await switched(async (fleet) => {
      await fleet.clock.sleep(2_000);
      fleet.member('quick/a').kid = 'k1';
    });
    expect(fleet.reloads.map(({ name }) => name)).toEqual(['quick/a', 'slow/a', 'quick/a']);
    expect(fleet.member('quick/a').kid).toBe('k2');
    await fleet.clock.drive(fleet.clock.sleep(60 * MINUTE));
    await fleet.clock.drive(confirmSigners(run, confirmSwitch(run)));
    expect(manifest().signersOwed).toBe(false);
    expect(formerKey(manifest())?.signedUntil).toBe(run.context.clock.now());
  });

  it('is seen before a reload moves it off: the clock of that key starts again', async () => {
    const { fleet, run, manifest } = await switched();
    const first = formerKey(manifest())?.signedUntil ?? 0;
    await fleet.clock.drive(fleet.clock.sleep(60 * MINUTE));
    fleet.member('slow/a').kid = 'k1';
    await fleet.clock.drive(reloadAll(run, fleet));
    expect(fleet.member('slow/a').kid).toBe('k2');
    const { signedUntil } = formerKey(manifest()) ?? {};
    expect(signedUntil).toBeGreaterThanOrEqual(first + 60 * MINUTE);
    expect(fleet.events).toContainEqual(
      expect.objectContaining({
        type: 'note',
        text: expect.stringContaining('slow has signed with the former key k1'),
      }),
    );
  });

  it('is not looked for in vain: one that does not answer is asked three times, however many workers it has', async () => {
    const { fleet, run } = await switched();
    let polls = 0;
    const [quick] = fleet.services;
    if (quick === undefined) throw new Error('there is no service');
    const health = quick.service.health && { ...quick.service.health, distinct: { pointer: '/worker', count: 4 } };
    const silent = {
      ...quick,
      service: { ...quick.service, health },
      probe: async () => {
        polls += 1;
        return { ok: false, reason: 'no answer' } as const;
      },
    };
    const asked = { ...run, context: { ...run.context, services: [silent] } } as unknown as Run;
    expect((await reportedBySigners(asked)).size).toBe(0);
    expect(polls).toBe(3);
  });

  it('is not looked for where none has, nor twice in a run', async () => {
    const { fleet, run, manifest } = await switched();
    const first = formerKey(manifest())?.signedUntil;
    await fleet.clock.drive(reloadAll(run, fleet));
    fleet.member('slow/a').kid = 'k1';
    await fleet.clock.drive(reloadAll(run, fleet));
    expect(formerKey(manifest())?.signedUntil).toBe(first);
  });
});
