import { describe, expect, it } from 'vitest';
import { awaitConfirmation } from '../../src/services/await.js';
import { limitedPolls, loginInterval, SPENT } from '../../src/services/polls.js';
import type { Report, Service, ServicePort } from '../../src/services/service.js';
import { aService, healthAt, NO_TLS, never } from './services.js';
import { VirtualClock } from './virtual-clock.js';

const A = { name: 'a', address: null };
const signs = (kid: string): Report => ({ ok: true, kid, kids: null, worker: null });

/** Asks a signer for tokens until it signs with `new`. */
async function asked(report: (at: number) => Report, more: { deadline?: number; isOnceMore?: boolean } = {}) {
  const clock = new VirtualClock();
  const polls = limitedPolls();
  const at: number[] = [];
  const service: ServicePort = {
    service: aService({
      role: 'signer',
      reload: { type: 'signal', signal: 'SIGHUP', target: { pid: 2 }, timeout: 1_000 },
      health: healthAt('http://h/'),
    }),
    polls,
    listInstances: async () => [A],
    reload: async () => ({ ok: true }),
    probe: async (instance) => {
      polls.add(instance);
      at.push(clock.monotonic());
      return report(clock.monotonic());
    },
  };
  const ask = (isOnceMore = false) =>
    clock.drive(
      awaitConfirmation({
        service,
        instances: [A],
        wanted: { signs: 'new' },
        clock,
        random: () => 0,
        signal: never(),
        deadline: more.deadline ?? 120_000,
        reloadWhen: isOnceMore ? 'never' : 'always',
        reloadAgain: !isOnceMore,
        isOnceMore,
        onEvent: () => {},
      }),
    );
  return { outcome: (await ask())[0], at, ask, polls };
}

describe('A signer that is asked for tokens', () => {
  it('is asked before its reload, and two seconds after it for the first time', async () => {
    const { outcome, at } = await asked((now) => signs(now >= 5_000 ? 'new' : 'old'));
    expect(outcome?.confirmed).toBe(true);
    expect(at).toEqual([0, 2_000, 4_000, 6_000]);
  });

  it.each([10, 60, 120, 600, 3_600])(
    'is asked through a deadline of %i s, and at most fourteen times',
    async (seconds) => {
      const { outcome, at } = await asked(() => signs('old'), { deadline: seconds * 1_000 });
      expect(outcome).toMatchObject({ confirmed: false, answers: true });
      expect(outcome?.reason).toMatch(/^signs with "old"/);
      expect(at.length).toBeLessThanOrEqual(14);
      // The last one comes late enough: a signer that took half of its time is noticed.
      expect(at.at(-1)).toBeGreaterThanOrEqual(seconds * 500);
      expect(Math.min(...at.slice(1).map((time, i) => time - (at[i] ?? 0)))).toBeGreaterThanOrEqual(2_000);
    },
  );

  it('has six tokens left for a last look in the same phase, and all of them in the next', async () => {
    let kid = 'old';
    const { at, ask, polls } = await asked(() => signs(kid));
    while (!polls.isSpent(A, false)) polls.add(A);
    const before = at.length;
    kid = 'new';
    expect((await ask())[0]).toMatchObject({ confirmed: false, reason: SPENT });
    expect(at.length).toBe(before);
    expect((await ask(true))[0]).toMatchObject({ confirmed: true });
    expect(at.length).toBe(before + 1);
    for (let i = 0; i < 5; i += 1) polls.add(A);
    expect(polls.isSpent(A, true)).toBe(true);
    polls.phase('the next');
    expect(polls.isSpent(A, false)).toBe(false);
    polls.phase('the next');
    expect((await ask())[0]).toMatchObject({ confirmed: true });
  });

  it('waits longer and longer, with jitter that never shortens it', () => {
    expect([0, 3_000, 30_000, 90_000].map((waited) => loginInterval(waited, 120_000, 0))).toEqual([
      2_000, 2_000, 10_000, 30_000,
    ]);
    expect(loginInterval(30_000, 600_000, 0)).toBeGreaterThan(15_000);
    expect(loginInterval(0, 120_000, 0.999)).toBeLessThan(2_400);
  });
});

describe('A verifier that is shown canaries', () => {
  const { kid: _, kids: _kids, preloaded: _preloaded, ...common } = healthAt('http://h/');
  const health = {
    ...common,
    type: 'canary',
    method: 'GET',
    claims: {},
    typ: null,
    accepted: [200],
    rejected: [401],
  } as const;

  /** When it is polled until it accepts `new`, and what it is asked about. */
  async function shown(reload: Service['reload'], acceptsAt: number, confirmations = 1) {
    const clock = new VirtualClock();
    const at: number[] = [];
    const about = new Set<string>();
    const service: ServicePort = {
      service: aService({ role: 'verifier', reload, health: { ...health, every: 5_000, confirmations } }),
      listInstances: async () => [A],
      reload: async () => ({ ok: true }),
      probe: async (_instance, _signal, _proving, kids = []) => {
        at.push(clock.monotonic());
        for (const kid of kids) about.add(kid);
        const kids_ = clock.monotonic() >= acceptsAt ? ['new', 'old'] : ['old'];
        return { ok: true, kid: null, kids: kids_, rejects: [], unshown: [], worker: null };
      },
    };
    const [outcome] = await clock.drive(
      awaitConfirmation({
        service,
        instances: [A],
        wanted: { accepts: ['new'], inUse: ['old'] },
        clock,
        random: () => 0,
        signal: never(),
        deadline: 60_000,
        reloadWhen: 'needed',
        reloadAgain: true,
        onEvent: () => {},
      }),
    );
    return { confirmed: outcome?.confirmed, at, about: [...about] };
  }

  const signal = { type: 'signal', signal: 'SIGHUP', target: { pid: 2 }, timeout: 1_000 } as const;
  const http = { type: 'http', url: 'http://h/', method: 'POST', headers: {}, tls: NO_TLS, timeout: 1_000 } as const;

  it('is shown them right after a reload that reports its end, a second after an order, then every five seconds', async () => {
    expect(await shown(http, 1)).toMatchObject({ confirmed: true, at: [0, 0, 5_000], about: ['old', 'new'] });
    expect(await shown(signal, 1)).toMatchObject({ confirmed: true, at: [0, 1_000] });
    expect(await shown(signal, 7_000)).toMatchObject({ confirmed: true, at: [0, 1_000, 6_000, 11_000] });
    expect(await shown({ type: 'none' }, 12_000)).toMatchObject({ confirmed: true, at: [0, 5_000, 10_000, 15_000] });
  });

  it('is asked again soon once it accepts the key', async () => {
    const { at } = await shown(http, 4_000, 3);
    expect(at).toEqual([0, 0, 5_000, 5_080, 5_160]);
  });
});
