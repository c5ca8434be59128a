import { describe, expect, it } from 'vitest';
import type { Lease } from '../../src/keyset/manifest/model.js';
import { clearWay, isTakeable } from '../../src/rollout/lease.js';

const UNTIL = Date.parse('2026-03-01T12:00:00Z');
const HOUR = 3_600_000;
const OWNER = { host: 'b', hostname: 'beta', bootId: 'b', pidNamespace: 'n', pid: 42, startTime: '1' };
const LEASE: Lease = { id: 'x', owner: OWNER, verb: 'rotate', since: UNTIL - HOUR, until: UNTIL };

/** Another host's lease, as this host sees it. */
function takeable(now: number, offset: number | null, here = 'a', state: 'alive' | 'gone' | 'elsewhere' = 'elsewhere') {
  return isTakeable(LEASE, {
    host: { self: { ...OWNER, host: here }, state: () => state, end: async () => {} } as never,
    clock: { now: () => now, monotonic: () => 0, sleep: async () => {} },
    policy: { clockSkew: 60_000 } as never,
    store: { clockOffset: () => offset } as never,
  });
}

describe('a lease until the year 9999', () => {
  it('was written by no run, and keeps nobody out', () => {
    const month = 31 * 24 * HOUR;
    expect(takeable(UNTIL - month - 1, null)).toBe(true);
    expect(takeable(UNTIL - month - 1, null, 'b', 'alive')).toBe(true);
    expect(takeable(UNTIL - month, null)).toBe(false);
  });
});

describe('a lease of another host', () => {
  it('may be taken when it has run out by more than clocks may differ', () => {
    expect(takeable(UNTIL + 59_999, null)).toBe(false);
    expect(takeable(UNTIL + 60_000, null)).toBe(true);
  });

  it('has not run out because this clock is ahead of the store’s', () => {
    expect(takeable(UNTIL + HOUR, HOUR)).toBe(false);
    expect(takeable(UNTIL + HOUR + 60_000, HOUR)).toBe(true);
    expect(takeable(UNTIL, -HOUR)).toBe(false);
  });
});

describe('a lease of this host', () => {
  it('runs out by this host’s own clock, and at once when its process is gone', () => {
    expect(takeable(UNTIL - 1, HOUR, 'b', 'alive')).toBe(false);
    expect(takeable(UNTIL, HOUR, 'b', 'alive')).toBe(true);
    expect(takeable(UNTIL - HOUR, null, 'b', 'gone')).toBe(true);
  });
});

describe('an incident that another incident is ending', () => {
  it('ends nobody in turn: somebody must go on', async () => {
    const ended: unknown[] = [];
    const context = (signal: AbortSignal) =>
      ({
        host: { self: OWNER, state: () => 'alive', end: async (owner: unknown) => ended.push(owner) && null },
        clock: { now: () => UNTIL - 1, monotonic: () => 0, sleep: async () => {} },
        store: { description: 'directory /s' },
        signal,
        report: () => {},
      }) as never;
    await expect(clearWay(LEASE, context(AbortSignal.abort(new Error('SIGTERM'))), true)).rejects.toThrow('SIGTERM');
    expect(ended).toEqual([]);
    await clearWay(LEASE, context(new AbortController().signal), true);
    expect(ended).toEqual([OWNER]);
  });
});
