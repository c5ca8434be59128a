import { expect, it } from 'vitest';
import { Patience, patientStore } from '../../src/rollout/patience.js';
import type { Store } from '../../src/store/store.js';
import { Remembering } from './remembering.js';

/** A store with requests that go on; the signals that they heed. */
function silent(world: Remembering): { readonly store: Store; readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  const until = (givenUp: AbortSignal): Store => {
    signals.push(givenUp);
    return world.context.store;
  };
  return { store: { ...world.context.store, until }, signals };
}

it('what a retire has given up is aborted, and nothing that was answered', async () => {
  const world = new Remembering();
  const { store, signals } = silent(world);
  const patient = patientStore({ ...world.context, store }, new Patience(world.clock, 5_000));
  await patient.readManifest('api');
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  world.isSilent = true;
  await expect(world.clock.drive(patient.readManifest('api'))).rejects.toMatchObject({ code: 'deadline-passed' });
  expect(world.clock.now()).toBe(5_000);
  expect(signals.map(({ aborted, reason }) => [aborted, reason?.code])).toEqual([
    [false, undefined],
    [true, 'deadline-passed'],
  ]);
});
