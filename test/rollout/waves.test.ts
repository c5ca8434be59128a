import { describe, expect, it } from 'vitest';
import { Fleet, said } from './fleet.js';

const STOPPED = 'not reloaded: the wave before it did not confirm';

describe('a service with a batch', () => {
  it('is reloaded wave by wave, each after the one before has confirmed', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'abcde', { batch: 2, takes: 1_000 });
    expect(said(await fleet.ask())).toEqual(['issuer/a', 'issuer/b', 'issuer/c', 'issuer/d', 'issuer/e']);
    expect(fleet.reloaded).toBe('issuer/a issuer/b | issuer/c issuer/d | issuer/e');
    expect(fleet.reloads.map(({ at }) => at)).toEqual([0, 0, 1_000, 1_000, 2_000]);
  });

  it('is reloaded no further than the first wave that does not confirm', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'abcde', { batch: 2 });
    fleet.set('dies', 'issuer/c');
    const answers = await fleet.ask();
    expect(said(answers)).toEqual([
      'issuer/a',
      'issuer/b',
      'issuer/c: connection refused',
      'issuer/d',
      `issuer/e: ${STOPPED}`,
    ]);
    expect(answers.map(({ broke }) => broke)).toEqual([false, false, true, false, false]);
    expect(fleet.reloads.map(({ name }) => name)).not.toContain('issuer/e');
    expect(fleet.events).toContainEqual({
      type: 'note',
      keyset: 'api',
      level: 'warning',
      text: `issuer/e: ${STOPPED}`,
    });
  });

  it('is tried on one instance first as a canary', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'abc', { batch: 'canary', takes: 500 });
    await fleet.ask();
    expect(fleet.reloaded).toBe('issuer/a | issuer/b issuer/c');
    const broken = new Fleet();
    broken.service('issuer', 'abc', { batch: 'canary' });
    broken.set('dies', 'issuer/a');
    expect(said(await broken.ask()).slice(1)).toEqual([`issuer/b: ${STOPPED}`, `issuer/c: ${STOPPED}`]);
    expect(broken.reloaded).toBe('issuer/a');
  });

  it('gives each wave the whole deadline, and reloads again within it', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'ab', { batch: 1, takes: 2_000 });
    fleet.set('stays as it was', 'issuer/b');
    expect(said(await fleet.ask())).toEqual(['issuer/a', 'issuer/b: signs with "k1"']);
    const since = fleet.reloads.slice(1).map(({ at }) => at - 2_000);
    expect(since).toHaveLength(3);
    expect(since[0]).toBe(0);
    expect(since[1]).toBeGreaterThanOrEqual(10_000);
    expect(since[2]).toBeGreaterThanOrEqual(20_000);
    expect(fleet.clock.monotonic()).toBe(32_000);
  });

  it('does not hold up another service, nor stop it', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'abc', { batch: 1 });
    fleet.service('second', 'abc', { batch: 1, takes: 700 });
    fleet.set('dies', 'issuer/a');
    const answers = said(await fleet.ask());
    expect(answers.slice(3)).toEqual(['second/a', 'second/b', 'second/c']);
    expect(fleet.reloaded).toBe('issuer/a second/a | second/b | second/c');
  });

  it('confirms a wave when its reloads were carried out where nobody can look', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'abc', { batch: 1, health: null, takes: 300 });
    fleet.set('refuses', 'issuer/b');
    const answers = await fleet.ask();
    expect(said(answers)).toEqual(['issuer/a', 'issuer/b: reload failed: exit 1', `issuer/c: ${STOPPED}`]);
    expect(answers[1]?.hint).toBe('mend it');
    expect(fleet.reloads).toEqual([
      { name: 'issuer/a', at: 0 },
      { name: 'issuer/b', at: 300 },
    ]);
  });
});

describe('an instance that needs no reload', () => {
  it('confirms whatever wave it is in, and takes no place in one', async () => {
    const fleet = new Fleet();
    fleet.service('gateway', 'abcd', { role: 'verifier', batch: 1, takes: 500 });
    fleet.member('gateway/a').kid = 'k2';
    fleet.member('gateway/d').kid = 'k2';
    fleet.set('dies', 'gateway/b');
    expect(said(await fleet.ask({ reload: 'needed' }))).toEqual([
      'gateway/a',
      'gateway/b: connection refused',
      `gateway/c: ${STOPPED}`,
      'gateway/d',
    ]);
    expect(fleet.reloaded).toBe('gateway/b');
  });

  it('may be found so only in its own wave', async () => {
    const fleet = new Fleet();
    fleet.service('gateway', 'abc', { role: 'verifier', batch: 1, takes: 1_000 });
    fleet.clock.sleep(500).then(() => {
      fleet.member('gateway/b').kid = 'k2';
    });
    expect(said(await fleet.ask({ reload: 'needed' }))).toEqual(['gateway/a', 'gateway/b', 'gateway/c']);
    expect(fleet.reloaded).toBe('gateway/a | gateway/c');
  });

  it('is polled beside the waves where it can not be reloaded', async () => {
    const fleet = new Fleet();
    fleet.service('issuer', 'ab', { batch: 1, takes: 1_000 });
    fleet.service('self', 'ab', { batch: 1, reload: 'none' });
    fleet.batch = 1;
    fleet.clock.sleep(3_000).then(() => {
      fleet.member('self/a').kid = 'k2';
    });
    const answers = said(await fleet.ask());
    expect(answers).toEqual(['issuer/a', 'issuer/b', 'self/a', 'self/b: signs with "k1"']);
    expect(fleet.reloaded).toBe('issuer/a | issuer/b');
  });
});

describe('a keyset with a batch', () => {
  it('reloads so many of all services together, in order, and of each no more than its own', async () => {
    const fleet = new Fleet();
    fleet.batch = 3;
    fleet.service('issuer', 'abc', { batch: 1, takes: 100 });
    fleet.service('second', 'abc', { takes: 100 });
    await fleet.ask();
    expect(fleet.reloaded).toBe('issuer/a second/a second/b | issuer/b second/c | issuer/c');
  });

  it('stops all services at the first wave that does not confirm', async () => {
    const fleet = new Fleet();
    fleet.batch = 'canary';
    fleet.service('issuer', 'ab');
    fleet.service('second', 'ab');
    fleet.set('dies', 'issuer/a');
    expect(said(await fleet.ask())).toEqual([
      'issuer/a: connection refused',
      `issuer/b: ${STOPPED}`,
      `second/a: ${STOPPED}`,
      `second/b: ${STOPPED}`,
    ]);
    expect(fleet.reloaded).toBe('issuer/a');
  });

  it('goes on beside a service whose instances can not be listed', async () => {
    const fleet = new Fleet();
    fleet.batch = 1;
    fleet.service('issuer', 'ab');
    fleet.service('lost', '');
    expect(said(await fleet.ask())).toEqual(['issuer/a', 'issuer/b', 'lost/lost: no instance was found']);
  });

  it('asks nobody where there is no service', async () => {
    const fleet = new Fleet();
    fleet.batch = 1;
    expect(await fleet.ask()).toEqual([]);
  });
});
