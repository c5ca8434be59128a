import { describe, expect, it } from 'vitest';
import { ask } from '../../src/rollout/ask.js';
import { activate } from '../../src/rollout/steps/verifiers.js';
import { ACTIVATE, atTheGate } from './at-the-gate.js';
import { Fleet, said } from './fleet.js';

it('asks the others in an incident, and no longer than it may, where a list of instances does not come', async () => {
  const fleet = new Fleet();
  fleet.service('edge', 'a', { role: 'verifier' });
  fleet.service('gateway', 'a', { role: 'verifier' });
  const [edge, gateway] = fleet.services;
  if (edge === undefined || gateway === undefined) throw new Error('there is no service');
  const services = [{ ...edge, listInstances: () => new Promise<never>(() => {}) }, gateway];
  const until = fleet.clock.now() + 3_000;
  const question = { services, wanted: { accepts: ['k2'] }, reload: 'needed', until } as const;
  const answers = await fleet.clock.drive(ask(fleet.run, question));
  expect(said(answers)).toEqual(['edge/edge: its instances were not listed in time', 'gateway/a']);
  expect(fleet.clock.now()).toBeLessThanOrEqual(until);
});

describe('an instance that breaks a rule', () => {
  const WRONG = { name: '$(id)', address: null, flaw: `an instance can't be called "$(id)"` };

  function withOneWrong(): Fleet {
    const fleet = new Fleet();
    fleet.service('gateway', 'ab', { role: 'verifier', batch: 1 });
    const [gateway] = fleet.services.splice(0);
    if (gateway === undefined) throw new Error('there is no service');
    const listInstances = async () => [WRONG, ...(await gateway.listInstances(fleet.controller.signal))];
    fleet.services.push({ ...gateway, listInstances });
    return fleet;
  }

  it.each([
    ['a rotation', null],
    ['an incident', 60_000],
  ])('does not confirm in %s, is named, and keeps none of the others waiting', async (_, until) => {
    const fleet = withOneWrong();
    const answers = await fleet.ask({ reload: 'needed', until });
    expect(said(answers)).toEqual(['gateway/a', 'gateway/b', `gateway/$(id): an instance can't be called "$(id)"`]);
    expect(answers.at(-1)?.hint).toMatch(/a name has letters/);
    expect(fleet.clock.now()).toBeLessThan(5_000);
    expect(fleet.reloads.map(({ name }) => name).sort()).toEqual(['gateway/a', 'gateway/b']);
  });

  it('keeps the gate shut: the old key signs on', async () => {
    const fleet = withOneWrong();
    fleet.member('gateway/a').kid = fleet.member('gateway/b').kid = 'k2';
    const { run, manifest } = atTheGate(fleet, 120_000);
    await fleet.clock.drive(activate(run, ACTIVATE));
    expect(manifest().keys.map(({ state }) => state)).toEqual(['active', 'pending']);
    expect(run.problems).toMatchObject([
      { message: expect.stringContaining(`gateway/$(id): an instance can't be called`) },
    ]);
  });
});
