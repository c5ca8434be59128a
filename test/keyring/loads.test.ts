import { describe, expect, it } from 'vitest';
import { Loads, type Missed } from '../../src/keyring/loads.js';

/** Loads that end when the test says so. */
function scene() {
  const clock = { time: 0, monotonic: () => clock.time };
  const open: (() => void)[] = [];
  let count = 0;
  const load = () => {
    count += 1;
    return new Promise<void>((resolve) => open.push(resolve));
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    clock,
    loads: new Loads({ cooldown: 30_000, load }, clock),
    count: () => count,
    end: async () => {
      open.shift()?.();
      await settle();
    },
    settle,
  };
}
const never = () => false;

describe('misses', () => {
  it('start one load in a cool-down, however many there are and whatever it finds', async () => {
    const { loads, clock, count, end } = scene();
    const missed = Promise.all(Array.from({ length: 10_000 }, () => loads.miss('kid', never)));
    expect(count()).toBe(1);
    await end();
    await missed;
    for (clock.time = 1; clock.time < 30_000; clock.time += 1_000) await loads.miss('kid', never);
    expect(count()).toBe(1);
    clock.time = 30_000;
    const again = loads.miss('kid', never);
    expect(count()).toBe(2);
    await end();
    await again;
  });

  it('wait for a load that is under way, and start one only if that did not bring what they missed', async () => {
    const { loads, count, end, settle } = scene();
    const reload = loads.reload();
    let isThere = false;
    const content = loads.miss('kid', () => isThere);
    await settle();
    expect(count()).toBe(1);
    isThere = true;
    await end();
    await Promise.all([reload, content]);
    expect(count()).toBe(1);
    const second = loads.reload();
    const missing = [loads.miss('kid', never), loads.miss('kid', never), loads.miss('kid', never)];
    await end();
    expect(count()).toBe(3);
    await end();
    await Promise.all([second, ...missing]);
    expect(count()).toBe(3);
  });

  it('of more than 4,000 tokens at once are not waited for: each costs memory for as long as the load hangs', async () => {
    const { loads, count, end, settle } = scene();
    let given = 0;
    const flood = (what: Missed) => Array.from({ length: 20_000 }, () => loads.miss(what, never).then(() => given++));
    const missed = flood('kid');
    await settle();
    expect(given).toBe(16_000);
    // Strangers take nobody's place who waits for trust.
    const trusting = loads.miss('trust', () => true).then(() => 'waited');
    expect(await Promise.race([trusting, settle()])).toBe(undefined);
    await end();
    await Promise.all(missed);
    expect([await trusting, given, count()]).toEqual(['waited', 20_000, 1]);
    await Promise.all(flood('kid'));
    expect(given).toBe(40_000);
  });

  it('get no slot back from a load that brought nothing', async () => {
    const { loads, count, end } = scene();
    const first = loads.miss('kid', never);
    await end();
    await first;
    await loads.miss('kid', never);
    expect(count()).toBe(1);
  });
});

describe('a miss of trust', () => {
  it('has a slot of its own, which strangers can not use up', async () => {
    const { loads, count, end } = scene();
    for (const [i, what] of (['kid', 'trust', 'kid', 'trust'] as const).entries()) {
      const missed = loads.miss(what, never);
      await end();
      await missed;
      expect(count()).toBe(Math.min(i + 1, 2));
    }
  });
});

describe('reloads', () => {
  it('begin another load after the one under way, one for all who asked', async () => {
    const { loads, count, end, settle } = scene();
    const first = loads.reload();
    const rest = [loads.reload(), loads.reload(), loads.reload()];
    await settle();
    expect(count()).toBe(1);
    await end();
    await first;
    expect(count()).toBe(2);
    const third = loads.reload();
    await end();
    await Promise.all(rest);
    expect(count()).toBe(3);
    await end();
    await third;
  });

  it('do not ask whether the cool-down is over', async () => {
    const { loads, count, end } = scene();
    for (let i = 1; i <= 3; i++) {
      const reload = loads.reload();
      await end();
      await reload;
      expect(count()).toBe(i);
    }
  });
});
