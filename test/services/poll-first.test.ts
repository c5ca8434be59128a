import { describe, expect, it } from 'vitest';
import { pollFirst } from '../../src/services/await.js';
import type { JsonHealth } from '../../src/services/health-kinds.js';
import type { Report, ServicePort } from '../../src/services/service.js';
import { aService, healthAt, never } from './services.js';
import { VirtualClock } from './virtual-clock.js';

const DEADLINE = 30_000;

/** What comes of a look at instances `a`, `b` … that answer like this, and how long it takes. */
async function look(
  reports: Readonly<Record<string, (at: number) => Report | Promise<Report>>>,
  health: Partial<JsonHealth> = {},
  signal = never(),
) {
  const clock = new VirtualClock();
  const reloads: string[] = [];
  const port: ServicePort = {
    service: aService({
      role: 'verifier',
      reload: { type: 'command', command: { argv: ['reload'], env: [] }, timeout: 60_000 },
      health: healthAt('http://127.0.0.1/', health),
    }),
    listInstances: async () => [],
    reload: async ({ name }) => {
      reloads.push(name);
      return { ok: true };
    },
    probe: async ({ name }) => reports[name]?.(clock.monotonic()) ?? { ok: false, reason: 'unknown' },
  };
  const events: string[] = [];
  const outcomes = await clock.drive(
    pollFirst({
      service: port,
      instances: Object.keys(reports).map((name) => ({ name, address: null })),
      wanted: { accepts: ['new'] },
      clock,
      random: () => 0.5,
      signal,
      deadline: DEADLINE,
      reloadWhen: 'needed',
      reloadAgain: true,
      onEvent: ({ instance, state }) => events.push(`${instance} ${state}`),
    }),
  );
  expect(reloads).toEqual([]);
  return { confirmed: outcomes.map((outcome) => outcome?.confirmed ?? null), events, took: clock.monotonic() };
}

const says = (...kids: string[]): Report => ({ ok: true, kid: null, kids, worker: null });

describe('a look before waves', () => {
  it('confirms whoever reports what is wanted, and knows at once who needs a reload', async () => {
    const { confirmed, events, took } = await look({
      a: () => says('old', 'new'),
      b: () => says('old'),
      c: () => ({ ok: false, reason: 'connection refused' }),
    });
    expect(confirmed).toEqual([true, null, null]);
    expect(events).toEqual(['a confirmed']);
    expect(took).toBe(0);
  });

  it('asks for several answers where one proves little', async () => {
    const { confirmed, took } = await look(
      { a: () => says('new'), b: (at) => (at > 150 ? says('old') : says('new')) },
      { confirmations: 4 },
    );
    expect(confirmed).toEqual([true, null]);
    expect(took).toBeLessThan(1_000);
  });

  it('takes a third of the deadline at the most', async () => {
    const workers = { distinct: { pointer: '/worker', count: 2 } };
    const { confirmed, took } = await look({ a: () => ({ ...says('new'), worker: '1' }) as Report }, workers);
    expect(confirmed).toEqual([null]);
    expect(took).toBe(DEADLINE / 3);
    const hanging = await look({ a: () => new Promise<never>(() => {}), b: () => says('new') });
    expect(hanging.confirmed).toEqual([null, true]);
    expect(hanging.took).toBe(DEADLINE / 3);
  });

  it('ends when the run is interrupted', async () => {
    const aborted = AbortSignal.abort(new Error('interrupted'));
    await expect(look({ a: () => says('new') }, {}, aborted)).rejects.toThrow('interrupted');
  });
});
