import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { clockAccepted, emptyManifest } from '../../src/keyset/transitions/all.js';
import { Tenure } from '../../src/rollout/tenure.js';

const NOW = Date.parse('2026-03-01T00:00:00Z');
const DAY = 86_400_000;
const LIMIT = 600_000;
const OWNER = { host: 'a', hostname: 'alpha', bootId: 'b', pidNamespace: 'n', pid: 42, startTime: '1' };

function tenureAt(time: { now: number; monotonic: number }) {
  const clock = { now: () => time.now, monotonic: () => time.monotonic, sleep: async () => {} };
  const host = {
    self: OWNER,
    workOn: async () => async () => {},
    state: () => 'alive' as const,
    end: async () => null,
  };
  return new Tenure({ clock, host, newId: () => 'run', verb: 'rotate', name: 'api' }, LIMIT);
}

/** A commit under the tenure's lease, as the ledger makes it. @returns the manifest afterwards */
function commit(tenure: Tenure, from: Manifest, updated: Manifest, last = false): Manifest {
  const lease = tenure.offer(NOW);
  const reloadsUntil = tenure.reloadsUnder(lease, updated, last);
  tenure.committed(last ? null : lease, from, updated, NOW);
  return { ...updated, lease: last ? null : lease, reloadsUntil };
}

describe('a lease', () => {
  it('has the time of the shorter of both clocks left', () => {
    const time = { now: NOW, monotonic: 0 };
    const tenure = tenureAt(time);
    expect(tenure.remaining()).toBe(0);
    commit(tenure, emptyManifest('api'), emptyManifest('api'));
    time.now += 100;
    time.monotonic += 400;
    expect(tenure.remaining()).toBe(LIMIT - 400);
    time.now += 1_000;
    expect(tenure.remaining()).toBe(LIMIT - 1_100);
    expect(() => tenure.assertTimeFor('the switch', LIMIT)).toThrow(/the switch was not started/);
  });

  it('is lost to whoever took it over, and not before', () => {
    const tenure = tenureAt({ now: NOW, monotonic: 0 });
    const held = commit(tenure, emptyManifest('api'), emptyManifest('api'));
    tenure.assertHolds(held);
    expect(() => tenure.assertHolds({ ...held, lease: null })).toThrow(/was taken over by somebody/);
    expect(tenure.lease).toBeNull();
  });

  it('keeps the end of the reloads that were ordered before it, and of its own', () => {
    const before = { ...emptyManifest('api'), reloadsUntil: NOW + 90_000 };
    const tenure = tenureAt({ now: NOW, monotonic: 0 });
    const held = commit(tenure, before, before);
    expect(held.reloadsUntil).toBe(NOW + LIMIT);
    expect(tenure.reloadsUntil).toBe(NOW + 90_000);
    tenure.reloadOrdered(NOW + 120_000);
    expect(commit(tenure, held, held, true).reloadsUntil).toBe(NOW + 120_000);
  });

  it.each([
    ['with it', false],
    ['before', true],
  ])('keeps what the operator re-based when it was taken %s', (_, heldBefore) => {
    const event = { at: NOW + 300 * DAY, type: 'activated', kid: null, detail: null };
    const before = { ...emptyManifest('api'), events: [event], reloadsUntil: NOW + 300 * DAY + 60_000 };
    const tenure = tenureAt({ now: NOW, monotonic: 0 });
    const from = heldBefore ? commit(tenure, before, before) : before;
    const accepted = commit(tenure, from, clockAccepted(from, NOW));
    expect(tenure.reloadsUntil).toBe(NOW + 60_000);
    expect(accepted.reloadsUntil).toBe(NOW + LIMIT);
    expect(commit(tenure, accepted, accepted, true).reloadsUntil).toBe(NOW + 60_000);
  });

  it('takes the end of a former lease from its length where its clock had been ahead', () => {
    const tenure = tenureAt({ now: NOW, monotonic: 0 });
    const since = NOW + 300 * DAY;
    const lease = { id: 'old', owner: OWNER, verb: 'rotate', since, until: since + 120_000 };
    const before = { ...emptyManifest('api'), lease };
    commit(tenure, before, before);
    expect(tenure.formerLeaseEnd).toBe(NOW + 120_000);
  });
});
