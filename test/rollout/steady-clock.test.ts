import { describe, expect, it } from 'vitest';
import { steadyClock } from '../../src/rollout/steady-clock.js';

describe("an incident's clock", () => {
  const host = { wall: 1_000_000, monotonic: 50 };
  const steady = steadyClock({ now: () => host.wall, monotonic: () => host.monotonic, sleep: async () => {} });

  it('goes on where the host sets its own back, and follows it ahead', () => {
    host.monotonic += 2_000;
    host.wall += 2_000;
    expect(steady.now()).toBe(1_002_000);
    host.wall -= 3_600_000;
    host.monotonic += 500;
    expect(steady.now()).toBe(1_002_500);
    host.wall = 2_000_000;
    expect(steady.now()).toBe(2_000_000);
  });
});
