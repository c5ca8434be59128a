import { describe, expect, it } from 'vitest';
import { type Awaiting, awaitConfirmation, type InstanceEvent } from '../../src/services/await.js';
import type { JsonHealth } from '../../src/services/health-kinds.js';
import type { Instance, ReloadResult, Report, ServicePort } from '../../src/services/service.js';
import { aService, healthAt, never } from './services.js';
import { VirtualClock } from './virtual-clock.js';

const A: Instance = { name: 'a', address: '10.0.0.1:80' };
const hang = () => new Promise<never>(() => {});
const says = (kid: string, worker: string | null = null): Report => ({ ok: true, kid, kids: [kid], worker });
const refused: Report = { ok: false, reason: 'connection refused' };

interface Script {
  readonly clock: VirtualClock;
  /** @param sinceReload milliseconds since the newest reload ended; null before any */
  readonly report: (sinceReload: number | null, polls: number, instance: Instance) => Report | Promise<Report>;
  readonly reload?: (count: number) => ReloadResult | Promise<ReloadResult>;
  readonly health?: Partial<JsonHealth>;
  /** How long a reload takes. */
  readonly takes?: number;
}

/** A service in virtual time, and when it was polled and reloaded. */
function scripted({ clock, report, reload = () => ({ ok: true }), health = {}, takes = 0 }: Script) {
  const polls: number[] = [];
  const reloads: number[] = [];
  let ended: number | null = null;
  const port: ServicePort = {
    service: aService({
      role: 'signer',
      reload: { type: 'command', command: { argv: ['reload'], env: [] }, timeout: 60_000 },
      health: healthAt('http://127.0.0.1/', health),
    }),
    listInstances: async () => [A],
    reload: async (_instance, signal) => {
      reloads.push(clock.monotonic());
      await clock.sleep(takes, signal);
      const result = await reload(reloads.length);
      ended = clock.monotonic();
      return result;
    },
    probe: async (instance) => {
      polls.push(clock.monotonic());
      return report(ended === null ? null : clock.monotonic() - ended, polls.length, instance);
    },
  };
  return { port, polls, reloads };
}

function confirmBy(clock: VirtualClock, service: ServicePort, more: Partial<Awaiting> = {}) {
  const events: InstanceEvent[] = [];
  const work = awaitConfirmation({
    service,
    instances: [A],
    wanted: { signs: 'new' },
    clock,
    random: () => 0.5,
    signal: never(),
    deadline: 120_000,
    reloadWhen: 'always',
    reloadAgain: true,
    onEvent: (event) => events.push(event),
    ...more,
  });
  return clock.drive(work).then((outcomes) => ({ outcomes, outcome: outcomes[0], events: events.map((e) => e.state) }));
}

describe('an instance that takes the new key', () => {
  it('is polled once before its reload, at once after it, then each 100 ms', async () => {
    const clock = new VirtualClock();
    const { port, polls, reloads } = scripted({
      clock,
      takes: 50,
      report: (since) => says(since !== null && since >= 420 ? 'new' : 'old'),
    });
    const { outcome, events } = await confirmBy(clock, port);
    expect(reloads).toEqual([0]);
    expect(polls).toEqual([0, 50, 150, 250, 350, 450, 550]);
    expect(events).toEqual(['reloading', 'awaited', 'confirmed']);
    expect(outcome).toEqual({
      instance: A,
      confirmed: true,
      answeredBefore: true,
      answers: true,
      reason: null,
      reloadHint: null,
    });
  });

  it.each([0, 0.5, 0.999])('is noticed within 150 ms when it takes up to a second (jitter %d)', async (random) => {
    for (let takes = 0; takes <= 1_000; takes += 37) {
      const clock = new VirtualClock();
      const { port } = scripted({ clock, report: (since) => says(since !== null && since >= takes ? 'new' : 'old') });
      await confirmBy(clock, port, { random: () => random });
      expect(clock.monotonic() - takes).toBeLessThanOrEqual(150);
    }
  });

  it('is polled less and less often, with jitter, down to each 2 s', async () => {
    const clock = new VirtualClock();
    const { port, polls } = scripted({
      clock,
      report: (since) => says(since !== null && since > 60_000 ? 'new' : 'old'),
    });
    let turn = 0;
    await confirmBy(clock, port, { reloadAgain: false, random: () => [0, 0.999][turn++ % 2] as number });
    const gaps = polls.slice(2).map((at, index) => at - (polls[index + 1] as number));
    const late = gaps.slice(-10);
    expect(Math.max(...late)).toBeGreaterThan(2_300);
    expect(Math.max(...late)).toBeLessThanOrEqual(2_400);
    expect(Math.min(...late)).toBeLessThan(1_700);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(80);
    expect(polls.length).toBeLessThan(90);
  });

  it('does not count what it said before the reload that was asked for', async () => {
    const clock = new VirtualClock();
    const { port, reloads } = scripted({ clock, report: (since) => (since === null ? says('new') : refused) });
    const { outcome } = await confirmBy(clock, port, { deadline: 5_000 });
    expect(reloads).toHaveLength(1);
    expect(outcome).toMatchObject({
      confirmed: false,
      answeredBefore: true,
      answers: false,
      reason: 'connection refused',
    });
  });

  it('is not reloaded when it need not be', async () => {
    const clock = new VirtualClock();
    const { port, reloads } = scripted({ clock, report: () => says('new') });
    const { outcome, events } = await confirmBy(clock, port, { reloadWhen: 'needed' });
    expect(reloads).toEqual([]);
    expect(outcome).toMatchObject({ confirmed: true });
    expect(events).toEqual(['confirmed']);
  });

  it('is reloaded where needed, and never where that is said', async () => {
    const clock = new VirtualClock();
    const needed = scripted({ clock, report: (since) => says(since === null ? 'old' : 'new') });
    expect((await confirmBy(clock, needed.port, { reloadWhen: 'needed' })).outcome?.confirmed).toBe(true);
    expect(needed.reloads).toHaveLength(1);
    const other = scripted({ clock, report: (_since, polls) => says(polls < 4 ? 'old' : 'new') });
    const { outcome } = await confirmBy(clock, other.port, { reloadWhen: 'never' });
    expect(outcome).toMatchObject({ confirmed: true });
    expect(other.reloads).toEqual([]);
  });

  it('is known even if its reload is said to have failed', async () => {
    const clock = new VirtualClock();
    const { port } = scripted({
      clock,
      reload: () => ({ ok: false, reason: 'exit 1', hint: 'do this' }),
      report: (since) => says(since !== null && since > 300 ? 'new' : 'old'),
    });
    const { outcome } = await confirmBy(clock, port);
    expect(outcome).toMatchObject({ confirmed: true, reason: null, reloadHint: 'do this' });
  });
});

describe('an instance that does not take the new key', () => {
  it('is reloaded again at a third and at two thirds of the deadline, and no more', async () => {
    const clock = new VirtualClock();
    const { port, reloads } = scripted({ clock, report: () => says('old') });
    const { outcome, events } = await confirmBy(clock, port);
    expect(reloads).toHaveLength(3);
    expect(reloads[1]).toBeGreaterThanOrEqual(40_000);
    expect(reloads[1]).toBeLessThan(42_500);
    expect(reloads[2]).toBeGreaterThanOrEqual(80_000);
    expect(reloads[2]).toBeLessThan(82_500);
    expect(clock.monotonic()).toBe(120_000);
    expect(outcome).toMatchObject({ confirmed: false, answers: true, reason: 'signs with "old"' });
    expect(events.at(-1)).toBe('unconfirmed');
  });

  it('is not reloaded again when it is not healthy, or when that is not wanted', async () => {
    for (const [report, reloadAgain] of [
      [refused, true],
      [says('old'), false],
    ] as const) {
      const clock = new VirtualClock();
      const { port, reloads } = scripted({ clock, report: () => report });
      await confirmBy(clock, port, { reloadAgain });
      expect(reloads).toHaveLength(1);
    }
  });

  it('keeps why its reload failed, next to what it said last', async () => {
    const clock = new VirtualClock();
    const { port } = scripted({
      clock,
      reload: () => ({ ok: false, reason: 'exit 1: "no such unit"', hint: 'check the name' }),
      report: () => says('old'),
    });
    const { outcome } = await confirmBy(clock, port, { reloadAgain: false });
    expect(outcome).toMatchObject({
      reason: 'reload failed: exit 1: "no such unit"; signs with "old"',
      reloadHint: 'check the name',
    });
  });

  it('is waited for no longer than the deadline when its reload or a poll hangs', async () => {
    const slow = new VirtualClock();
    const reloading = scripted({ clock: slow, report: () => says('old'), reload: hang });
    const first = await confirmBy(slow, reloading.port, { deadline: 7_000 });
    expect(slow.monotonic()).toBe(7_000);
    expect(first.outcome).toMatchObject({ confirmed: false, reason: 'reload failed: not done before the deadline' });
    // Nobody has seen it fail since: it may be well.
    expect(first.outcome).toMatchObject({ answeredBefore: true, answers: true });

    const clock = new VirtualClock();
    const polled = scripted({ clock, report: hang });
    const second = await confirmBy(clock, polled.port, { deadline: 7_000 });
    expect(clock.monotonic()).toBe(7_000);
    expect(second.outcome).toMatchObject({ confirmed: false, reason: 'no answer before the deadline' });
    expect(polled.reloads).toEqual([]);
  });

  it('counts as answering when only one of its newest answers was lost', async () => {
    for (const [refusedFrom, answers] of [
      [8_500, true],
      [3_000, false],
    ] as const) {
      const clock = new VirtualClock();
      const { port } = scripted({
        clock,
        report: (since) => (since === null || since < refusedFrom ? says('old') : refused),
      });
      const { outcome } = await confirmBy(clock, port, { deadline: 9_000, reloadAgain: false });
      expect(outcome).toMatchObject({
        confirmed: false,
        answeredBefore: true,
        answers,
        reason: 'connection refused',
      });
    }
  });
});

describe('several answers', () => {
  it('must agree in a row', async () => {
    const clock = new VirtualClock();
    const answers = ['old', 'new', 'new', 'old', 'new', 'new', 'new'];
    const { port, polls } = scripted({
      clock,
      health: { confirmations: 3 },
      report: (_since, poll) => says(answers[poll - 1] ?? 'late'),
    });
    const { outcome } = await confirmBy(clock, port);
    expect(outcome?.confirmed).toBe(true);
    expect(polls).toHaveLength(7);
  });

  it('must come from so many workers, and one on the old key begins it anew', async () => {
    const clock = new VirtualClock();
    const said = ['1 old', '1 new', '2 new', '1 new', '3 old', '3 new', '1 new', '1 new', '2 new'];
    const { port, polls } = scripted({
      clock,
      health: { distinct: { pointer: '/worker', count: 3 } },
      report: (_since, poll) => {
        const [worker, kid] = (said[poll - 1] ?? '9 late').split(' ') as [string, string];
        return says(kid, worker);
      },
    });
    const { outcome } = await confirmBy(clock, port);
    expect(outcome?.confirmed).toBe(true);
    expect(polls).toHaveLength(9);
  });

  it('are reported as lacking when they do not come', async () => {
    const clock = new VirtualClock();
    const { port } = scripted({
      clock,
      health: { distinct: { pointer: '/worker', count: 4 } },
      report: (_since, poll) => says('new', String(poll % 2)),
    });
    const { outcome } = await confirmBy(clock, port, { deadline: 10_000 });
    expect(outcome).toMatchObject({
      confirmed: false,
      answers: true,
      reason: 'only 2 of 4 different workers answered so far',
    });
  });

  it('are asked for again soon once one has confirmed, however long it took', async () => {
    const clock = new VirtualClock();
    const { port } = scripted({
      clock,
      health: { confirmations: 5 },
      report: (since) => says(since !== null && since > 30_000 ? 'new' : 'old'),
    });
    await confirmBy(clock, port, { reloadAgain: false });
    expect(clock.monotonic()).toBeLessThan(33_000);
  });
});

describe('several instances', () => {
  const B: Instance = { name: 'b', address: '10.0.0.2:80' };

  it('are reloaded and awaited at the same time, and one that fails does not stop the others', async () => {
    const clock = new VirtualClock();
    const { port, reloads } = scripted({
      clock,
      takes: 1_000,
      report: (since, _polls, instance) => (instance === A ? refused : says(since === null ? 'old' : 'new')),
    });
    const { outcomes } = await confirmBy(clock, port, { instances: [A, B], deadline: 20_000 });
    expect(reloads).toEqual([0, 0]);
    expect(outcomes.map((outcome) => [outcome.instance.name, outcome.confirmed])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  it('come to nothing when there is none', async () => {
    const clock = new VirtualClock();
    const { port } = scripted({ clock, report: () => says('new') });
    expect((await confirmBy(clock, port, { instances: [] })).outcomes).toEqual([]);
  });
});

describe('a run that is interrupted', () => {
  it('stops waiting at once, and says nothing of instances', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const { port } = scripted({ clock, report: () => says('old') });
    const events: string[] = [];
    clock.sleep(3_000).then(() => controller.abort(new Error('interrupted')));
    const work = confirmBy(clock, port, { signal: controller.signal, onEvent: (event) => events.push(event.state) });
    await expect(work).rejects.toThrow('interrupted');
    expect(clock.monotonic()).toBe(3_000);
    expect(events).toEqual(['reloading', 'awaited']);
  });

  it('is not begun', async () => {
    const clock = new VirtualClock();
    const { port, polls } = scripted({ clock, report: () => says('old') });
    await expect(confirmBy(clock, port, { signal: AbortSignal.abort(new Error('interrupted')) })).rejects.toThrow();
    expect(polls).toEqual([]);
  });
});
