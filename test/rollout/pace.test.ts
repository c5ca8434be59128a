import { describe, expect, it } from 'vitest';
import type { Retirement } from '../../src/keyset/manifest/model.js';
import { Fleet, said } from './fleet.js';

describe('what does not wait for waves', () => {
  const retirement = { kid: 'k1', checkAgainAt: null, deadlineAt: 60_000 } as Retirement;

  it.each<[string, (fleet: Fleet) => Promise<unknown>]>([
    ['an incident', (fleet) => fleet.ask()],
    ['a bound of the operator’s', (fleet) => fleet.ask({ until: 10_000 })],
    ['the last look at a retired key', (fleet) => fleet.ask({ pace: 'at-once' })],
  ])('is %s', async (name, act) => {
    const fleet = new Fleet();
    fleet.batch = 1;
    if (name === 'an incident') fleet.manifest = { retirements: [retirement], rollout: null };
    fleet.service('issuer', 'abc', { batch: 1 });
    fleet.service('second', 'ab', { batch: 'canary' });
    fleet.set('dies', 'issuer/a');
    await act(fleet);
    expect(fleet.reloads.map(({ at }) => at)).toEqual([0, 0, 0, 0, 0]);
  });

  it('is, in an incident, even a run whose time is nearly over', async () => {
    const fleet = new Fleet();
    fleet.lease = 10_000;
    fleet.manifest = { retirements: [retirement], rollout: null };
    fleet.service('issuer', 'ab');
    expect(said(await fleet.ask())).toEqual(['issuer/a', 'issuer/b']);
  });
});

describe('the way back', () => {
  it('tries every wave, whichever fails', async () => {
    const fleet = new Fleet();
    fleet.wanted = 'k0';
    fleet.service('issuer', 'abc', { batch: 1 });
    fleet.set('dies', 'issuer/a');
    expect(said(await fleet.ask({ pace: 'every-wave' }))).toEqual([
      'issuer/a: connection refused',
      'issuer/b',
      'issuer/c',
    ]);
    expect(fleet.reloads.map(({ at }) => at)).toEqual([0, 30_000, 30_000]);
  });

  it('reloads those whose reload was ordered, and others only when they need it', async () => {
    const fleet = new Fleet();
    fleet.wanted = 'k1';
    fleet.service('issuer', 'abcd', { batch: 1 });
    fleet.member('issuer/d').kid = 'k2';
    const ordered = new Set(['issuer/b']);
    const answers = await fleet.ask({
      reload: (service, instance) => (ordered.has(`${service}/${instance}`) ? 'always' : 'needed'),
    });
    expect(said(answers)).toEqual(['issuer/a', 'issuer/b', 'issuer/c', 'issuer/d']);
    expect(fleet.reloads.map(({ name }) => name)).toEqual(['issuer/b', 'issuer/d']);
  });
});

describe('a run', () => {
  it('begins no wave that it has no time for', async () => {
    const fleet = new Fleet();
    fleet.lease = 60_000;
    fleet.service('issuer', 'abcd', { batch: 1, takes: 20_000 });
    const answers = await fleet.ask();
    expect(said(answers).map((text) => text.replace(/: .*/, ': …'))).toEqual([
      'issuer/a',
      'issuer/b',
      'issuer/c: …',
      'issuer/d: …',
    ]);
    expect(answers[2]).toMatchObject({
      reason: 'not reloaded: too little is left of this run’s time',
      hint: expect.stringContaining('raise rollout.batch'),
    });
    expect(fleet.reloads).toHaveLength(2);
  });

  it('notes which signers it has told to reload, before each reload', async () => {
    const fleet = new Fleet();
    fleet.switched = new Set();
    fleet.service('issuer', 'ab', { batch: 1 });
    fleet.service('gateway', 'a', { role: 'verifier' });
    fleet.set('dies', 'issuer/a');
    await fleet.ask();
    expect([...fleet.switched]).toEqual(['issuer/a']);
  });

  it('that is interrupted begins no other wave', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'ab', { batch: 1, takes: 5_000 });
    fleet.clock.sleep(1_000).then(() => fleet.controller.abort(new Error('interrupted')));
    await expect(fleet.ask()).rejects.toThrow('interrupted');
    expect(fleet.reloaded).toBe('issuer/a');
    const unpolled = new Fleet();
    unpolled.service('issuer', 'ab', { batch: 1, takes: 5_000, health: null });
    unpolled.clock.sleep(1_000).then(() => unpolled.controller.abort(new Error('interrupted')));
    await expect(unpolled.ask({ pace: 'every-wave' })).rejects.toThrow('interrupted');
    expect(unpolled.reloaded).toBe('issuer/a');
  });

  it('says which wave it is at, and who waits', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'abc', { batch: 1, takes: 100 });
    await fleet.ask();
    const waves = fleet.events.filter((event) => event.type === 'wave');
    expect(waves.map(({ service, number, of, instances }) => [service, number, of, instances[0]?.instance])).toEqual([
      ['issuer', 1, 3, 'a'],
      ['issuer', 2, 3, 'b'],
      ['issuer', 3, 3, 'c'],
    ]);
    expect(fleet.events.slice(0, 3)).toEqual([
      {
        type: 'asked',
        keyset: 'api',
        instances: ['a', 'b', 'c'].map((instance) => ({ service: 'issuer', instance })),
      },
      { type: 'instance', keyset: 'api', service: 'issuer', instance: 'b', state: 'waiting', reason: 'wave 2 of 3' },
      { type: 'instance', keyset: 'api', service: 'issuer', instance: 'c', state: 'waiting', reason: 'wave 3 of 3' },
    ]);
  });
});
