import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type AwsKeeping, keepInAws } from '../crash/keeping.js';
import { SCENARIOS, type Scenario } from '../crash/scenarios.js';
import { unsettled } from '../crash/settled.js';
import { Site } from '../crash/site.js';
import { EVERY_POINT, SWEEP_LIMIT, sample, sweep, withSites } from '../crash/sweep.js';
import { type Ran, type Running, until } from './world.js';

/** Longer than any lease here lasts. */
const LATER = 30 * 60_000;
const IMMEDIATE = SCENARIOS[1] as Scenario;
const RETIREMENT = SCENARIOS[2] as Scenario;

/** proc_pid_stat(5): `T`, stopped by a signal. */
function isStopped({ child }: Running): boolean {
  const stat = `/proc/${child.pid}/stat`;
  return existsSync(stat) && /\) T /.test(readFileSync(stat, 'utf8'));
}

/**
 * `frozen`: the suspended run's clocks stood still with it, as on a virtual machine that was paused, so that by them its
 * lease is far from over. Only commits and locks can keep it from what it must not do any more.
 */
type Clocks = 'honest' | 'frozen';

interface Point {
  readonly name: string;
  readonly clocks: Clocks;
  /** The call at which it stops itself; or the request to AWS at whose arrival it is stopped. */
  readonly nth: number;
}

/** A run that stops at a point, and the time that passes for everybody else. */
async function suspend(site: Site, scenario: Scenario, start: (args: readonly string[], clock: string) => Running) {
  await site.restore();
  const clock = site.world.path('clock');
  writeFileSync(clock, '0');
  const token = (await site.services.mint()) ?? '';
  const running = start(await scenario.args(site), clock);
  const ended: { ran: Ran | null } = { ran: null };
  running.ended.then((ran) => {
    ended.ran = ran;
  });
  return { clock, token, running, ended };
}

/**
 * Others take its lease over; it wakes, and the next run after it settles what it may have done.
 * @param codes with what it may end
 */
async function wake(
  site: Site,
  { clock, token, running }: Awaited<ReturnType<typeof suspend>>,
  codes: readonly (number | null)[],
): Promise<string[]> {
  const problems: string[] = [];
  const accepted = async (what: string, one: string | null) => {
    if (one === null || !(await site.services.accepts(one))) problems.push(`a token ${what} is rejected`);
  };
  writeFileSync(clock, String(LATER));
  site.keeping.advance(LATER);
  const others = await site.start(['rotate'], { clock }).ended;
  // It may have been stopped with the outlets locked: then nobody writes to them before it goes on.
  const waited = others.code === 75 && others.stderr.includes('another run is writing the outlets');
  if (others.code !== 0 && !waited) problems.push(`the other run ended with ${others.code}: ${others.stderr}`);
  if (others.code === 0) problems.push(...(await unsettled(site)).map((one) => `before it wakes: ${one}`));
  const between = await site.services.mint();
  await accepted('from before it wakes', between);

  running.child.kill('SIGCONT');
  const woken = await running.ended;
  if (!codes.includes(woken.code)) problems.push(`woken, it ended with ${woken.code}: ${woken.stderr}`);
  const meanwhile = await site.services.mint();
  await accepted('from after it woke', meanwhile);
  const next = await site.start(['rotate'], { clock }).ended;
  if (next.code !== 0) problems.push(`the next run ended with ${next.code}: ${next.stderr}`);
  problems.push(...(await unsettled(site)));
  for (const [what, one] of Object.entries({ old: token, between, meanwhile, new: await site.services.mint() })) {
    await accepted(`(${what}) at the end`, one);
  }
  return problems;
}

/** What changes something, in both ways to have lost the time. */
function pointsOf(calls: readonly string[], changes: RegExp): Point[] {
  return calls.flatMap((call, i) =>
    changes.test(call)
      ? (['honest', 'frozen'] as const).map((clocks) => ({ name: `${i + 1} ${call}, ${clocks}`, clocks, nth: i + 1 }))
      : [],
  );
}

describe('a run that is suspended until others have taken its lease over', () => {
  it('does nothing that is not undone, whatever it was about to write to the directory', { timeout: SWEEP_LIMIT }, () =>
    withSites(
      IMMEDIATE,
      () => Site.open(),
      async (sites) => {
        const [site] = sites;
        await site.restore();
        const list = site.world.path('calls');
        const { code } = await site.start(await IMMEDIATE.args(site), { call: `count:${list}` }).ended;
        expect(code).toBe(0);
        const points = pointsOf(readFileSync(list, 'utf8').trimEnd().split('\n'), /^!/);
        const tried = sample(points, 23);
        const problems = await sweep(sites, tried, async (one, { nth, clocks }) => {
          const suspended = await suspend(one, IMMEDIATE, (args, clock) =>
            one.start(args, { call: `stop-before:${nth}`, clock: clocks === 'honest' ? clock : '' }),
          );
          await until(() => suspended.ended.ran !== null || isStopped(suspended.running), 'it stops', 30_000);
          return suspended.ended.ran === null ? wake(one, suspended, [0, 4, 75]) : ['it did not stop'];
        });
        console.log(`suspended over the directory store: ${tried.length} of ${points.length} points`);
        expect(problems).toEqual({});
        expect(tried.length).toBeGreaterThan(EVERY_POINT ? 100 : 5);
      },
    ),
  );

  it('does nothing that is not undone, whatever it was about to hear from AWS', { timeout: SWEEP_LIMIT }, () =>
    withSites<Site<AwsKeeping>>(
      IMMEDIATE,
      () => Site.open(keepInAws),
      async (sites) => {
        const [site] = sites;
        await site.restore();
        expect((await site.start(await IMMEDIATE.args(site)).ended).code).toBe(0);
        const points = pointsOf(site.keeping.calls, /./);
        const tried = sample(points, 9);
        const problems = await sweep(sites, tried, async (one, { nth, clocks }) => {
          const { keeping } = one;
          const suspended = await suspend(one, IMMEDIATE, (args, clock) => {
            // It hears of it when it is awake again.
            keeping.server.fail({ operation: '*', nth, mode: 'slow', ms: 150 });
            return one.start(args, clocks === 'honest' ? { clock } : {});
          });
          await until(() => suspended.ended.ran !== null || keeping.calls.length >= nth, 'the call comes', 30_000);
          suspended.running.child.kill('SIGSTOP');
          await until(() => suspended.ended.ran !== null || isStopped(suspended.running), 'it stops');
          // AWS may have taken too long by its clock, or show by its date that it is late.
          return suspended.ended.ran === null ? wake(one, suspended, [0, 3, 4, 5, 75]) : ['it did not stop'];
        });
        console.log(`suspended over Secrets Manager: ${tried.length} of ${points.length} points`);
        expect(problems).toEqual({});
        expect(tried.length).toBeGreaterThan(EVERY_POINT ? 30 : 3);
      },
    ),
  );
});

describe('a run that is suspended for a moment', () => {
  let site: Site;
  afterEach(() => site.close());

  /** Stopped before it makes a call, the first that matches. */
  async function stoppedBefore(call: RegExp, args: readonly string[]): Promise<Running> {
    await site.restore();
    const list = site.world.path('calls');
    await site.start(args, { call: `count:${list}` }).ended;
    const nth =
      readFileSync(list, 'utf8')
        .split('\n')
        .findIndex((one) => call.test(one)) + 1;
    await site.restore();
    const running = site.start(args, { call: `stop-before:${nth}` });
    await until(() => isStopped(running), 'it stops', 30_000);
    return running;
  }

  /** The outlets are locked, and half written. */
  async function stoppedAmidOutlets(): Promise<Running> {
    site = await Site.open();
    await IMMEDIATE.prepare(site);
    return stoppedBefore(/rename jwks.json/, ['rotate', '--immediate']);
  }

  it('keeps its lease, and goes on', async () => {
    const running = await stoppedAmidOutlets();
    const other = await site.world.run(['rotate']);
    expect(other.code).toBe(75);
    expect(other.stderr).toContain(`rotate (pid ${running.child.pid} on`);
    running.child.kill('SIGCONT');
    expect((await running.ended).code).toBe(0);
    expect(await unsettled(site)).toEqual([]);
  });

  for (const { what, version, prepare } of [
    { what: 'makes the keyset', version: 1, prepare: async () => {} },
    { what: 'rotates it', version: 2, prepare: IMMEDIATE.prepare },
  ]) {
    it(`sees that another run ${what} between its look at the store and at the outlets`, async () => {
      site = await Site.open();
      await prepare(site);
      const running = await stoppedBefore(/open jwks.json/, ['rotate']);
      await site.run('rotate', ...(version === 1 ? [] : ['--immediate']));
      running.child.kill('SIGCONT');
      const { code, stdout, stderr } = await running.ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(`api: nothing due; active v${version} `);
      expect(await unsettled(site)).toEqual([]);
    });
  }

  it('is ended by an incident, which does not wait for it', async () => {
    const running = await stoppedAmidOutlets();
    const leaked = await RETIREMENT.ends(site);
    const began = Date.now();
    const { code } = await site.world.run(await RETIREMENT.args(site));
    expect(code).toBe(0);
    expect(Date.now() - began).toBeLessThan(15_000);
    expect((await running.ended).signal).toBe('SIGKILL');
    expect(await unsettled(site)).toEqual([]);
    expect(site.services.acceptedKids).not.toContain(leaked);
  });
});
