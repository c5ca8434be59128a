import { describe, expect, it } from 'vitest';
import type { Duration } from '../../src/keyset/basics/clock.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Run } from '../../src/rollout/run.js';
import { confirmSigners } from '../../src/rollout/steps/signers.js';
import { activate } from '../../src/rollout/steps/verifiers.js';
import { ACTIVATE, atTheGate, confirmSwitch } from './at-the-gate.js';
import { Fleet } from './fleet.js';

/** A canary that does not come up with the new key, and does with the former one. */
async function backAfterCanary(quiet: Duration): Promise<{ fleet: Fleet; manifest: Manifest }> {
  const fleet = new Fleet();
  fleet.service('issuer', 'abc', { batch: 'canary' });
  const { run, manifest } = atTheGate(fleet, quiet);
  await fleet.clock.drive(activate(run, ACTIVATE));
  expect(manifest().rollout).toMatchObject({ kid: 'k2', phase: 'switch', direction: 'forward' });
  fleet.set('dies', 'issuer/a');
  await fleet.clock.drive(confirmSigners(run, confirmSwitch(run)));
  expect(manifest().rollout).toMatchObject({ kid: 'k2', phase: 'switch', direction: 'back' });
  expect(fleet.reloaded).toBe('issuer/a');
  fleet.wanted = 'k1';
  fleet.set('takes it', 'issuer/a');
  fleet.member('issuer/a').up = true;
  fleet.reloads.length = 0;
  await fleet.clock.drive(confirmSigners(run, confirmSwitch(run)));
  return { fleet, manifest: manifest() };
}

/** The run of the switch is killed when the canary has gone down with the new key: the next one finds what there is. */
async function resumedAfterCanary(
  alsoDown: string | null,
): Promise<{ run: Run; fleet: Fleet; manifest: () => Manifest }> {
  const fleet = new Fleet();
  fleet.service('issuer', 'abc', { batch: 'canary' });
  if (alsoDown !== null) fleet.member(alsoDown).up = false;
  const { run, manifest } = atTheGate(fleet, 2 * MINUTE);
  await fleet.clock.drive(activate(run, ACTIVATE));
  fleet.set('dies', 'issuer/a');
  fleet.member('issuer/a').up = false;
  const next = { ...run, switched: null };
  await fleet.clock.drive(confirmSigners(next, confirmSwitch(next)));
  return { run: next, fleet, manifest };
}

const MINUTE = 60_000;

describe('the way back', () => {
  it('reloads the signers that were told to switch, and leaves the others alone', async () => {
    const { fleet, manifest } = await backAfterCanary(2 * MINUTE);
    expect(fleet.reloads.map(({ name }) => name)).toEqual(['issuer/a']);
    expect(manifest.rollout).toBeNull();
  });

  it('reloads them all where a reload from before the switch may yet read the failed key', async () => {
    const { fleet, manifest } = await backAfterCanary(MINUTE - 1);
    expect(fleet.reloads.map(({ name }) => name)).toEqual(['issuer/a', 'issuer/b', 'issuer/c']);
    expect(manifest.rollout).toBeNull();
  });
});

describe('a run that resumes', () => {
  it('goes back where a signer is down that had answered at the switch', async () => {
    const { manifest } = await resumedAfterCanary(null);
    expect(manifest().rollout).toMatchObject({ direction: 'back', former: 'k1', signersAnswered: false });
    expect(manifest().backoff).toMatchObject({ failures: 1 });
  });

  it('waits where one had been down before', async () => {
    const { manifest } = await resumedAfterCanary('issuer/c');
    expect(manifest().rollout).toMatchObject({ direction: 'forward', phase: 'switch' });
  });

  it('waits for one that took the new key as it should, and went down after a run had seen that', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'ab', { batch: 'all' });
    const { run, manifest } = atTheGate(fleet, 2 * MINUTE);
    await fleet.clock.drive(activate(run, ACTIVATE));
    expect(manifest().rollout).toMatchObject({ signersAnswered: true });
    fleet.set('stays as it was', 'issuer/b');
    await fleet.clock.drive(confirmSigners(run, confirmSwitch(run)));
    expect(manifest().rollout).toMatchObject({ direction: 'forward', signersAnswered: false });
    fleet.set('dies', 'issuer/b');
    fleet.member('issuer/b').up = false;
    await fleet.clock.drive(confirmSigners({ ...run, switched: null }, confirmSwitch(run)));
    expect(manifest().rollout).toMatchObject({ direction: 'forward', phase: 'switch' });
  });
});
