import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.js';
import { SWITCHES, switchedOff } from './swarm.js';
import { SPAN, THEMES } from './themes.js';

const SEEDS = Array.from({ length: 2_000 }, (_, i) => i + 1);

describe('What a seed is played without', () => {
  it('is drawn from it: each kind is off in some, and some have all', () => {
    const off = SEEDS.map((seed) => switchedOff(seed));
    expect(switchedOff(77)).toEqual(switchedOff(77));
    for (const kind of SWITCHES) {
      const share = off.filter((one) => one.has(kind)).length / SEEDS.length;
      expect(share).toBeGreaterThan(0.2);
      expect(share).toBeLessThan(0.4);
    }
    expect(off.filter((one) => one.size === 0).length / SEEDS.length).toBeGreaterThan(0.3);
    expect(off.filter((one) => one.size > 0.6 * SWITCHES.length).length / SEEDS.length).toBeGreaterThan(0.1);
  });

  it('can be said by hand, on and off', () => {
    const seed = SEEDS.find((one) => switchedOff(one).size > 10)!;
    expect(switchedOff(seed, { on: SWITCHES }).size).toBe(0);
    expect(switchedOff(seed, { on: SWITCHES, off: ['kill', 'deploy'] })).toEqual(new Set(['kill', 'deploy']));
  });

  it('never comes about', async () => {
    for (const theme of THEMES.keys()) {
      const { events } = await simulate(theme * SPAN + 3, { forced: { off: SWITCHES } });
      expect([...new Set(events.values())].sort()).toEqual(['timer', 'wait']);
    }
    const { events, kills, faults } = await simulate(3, { forced: { on: SWITCHES, off: ['kill', 'store'] } });
    expect(kills).toBe(0);
    expect(faults.store).toBe(0);
    expect(new Set(events.values()).size).toBeGreaterThan(5);
  });
});

describe('The events of a seed', () => {
  const seed = 3 * SPAN + 2;

  it('play the same history when all of them are named', async () => {
    const first = await simulate(seed, { verbose: true });
    expect(first.events.size).toBeGreaterThan(20);
    const again = await simulate(seed, { verbose: true, only: new Set(first.events.keys()) });
    expect(again.history).toEqual(first.history);
  });

  it('can be left out one by one: what came before is the same', async () => {
    const first = await simulate(seed, { verbose: true });
    const names = [...first.events.keys()];
    const isFault = (name: string) => /\.(store|service|reload|slow)/.test(name);
    const left = names[names.findLastIndex(isFault)]!;
    const without = await simulate(seed, { verbose: true, only: new Set(names.filter((name) => name !== left)) });
    const at = first.history.findIndex((line) => line.includes(`[${left}]`));
    expect(at).toBeGreaterThan(10);
    expect(without.history.slice(0, at)).toEqual(first.history.slice(0, at));
    expect(without.events.has(left)).toBe(false);
  });

  it('are none when none is named: the world then runs by itself', async () => {
    const result = await simulate(seed, { only: new Set() });
    expect(result.events.size).toBe(0);
    expect(result.broken).toEqual([]);
    expect(result.rotations).toBeGreaterThan(1);
  });
});
