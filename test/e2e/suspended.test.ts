import { writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type AwsKeeping, keepInAws } from '../crash/keeping.js';
import { undisturbed } from '../crash/points.js';
import { SCENARIOS, type Scenario } from '../crash/scenarios.js';
import { unsettled } from '../crash/settled.js';
import { Site } from '../crash/site.js';
import { SWEEP_LIMIT, sample, sweep, withSites } from '../crash/sweep.js';
import { isStopped, type Ran, type Running, until } from './world.js';

/** Longer than any lease here lasts. */
const LATER = 30 * 60_000;
const IMMEDIATE = SCENARIOS[1] as Scenario;

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
  readonly remote: boolean;
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
 * @param isBetweenLocks it was stopped as it was about to take another lock
 */
async function wake(
  site: Site,
  { clock, token, running }: Awaited<ReturnType<typeof suspend>>,
  codes: readonly (number | null)[],
  isBetweenLocks = false,
): Promise<string[]> {
  const problems: string[] = [];
  const accepted = async (what: string, one: string | null) => {
    if (one === null || !(await site.services.accepts(one))) problems.push(`a token ${what} is rejected`);
  };
  writeFileSync(clock, String(LATER));
  site.keeping.advance(LATER);
  const others = await site.start(['rotate'], { clock }).ended;
  // It may have been stopped with the outlets locked: then nobody writes to them before it goes on. With the lock of one in
  // hand, that one is named, and all others are written.
  const waited =
    (others.code === 75 && others.stderr.includes('another run is writing the outlets')) ||
    (isBetweenLocks && others.code === 4 && others.stderr.includes('another process holds the lock of'));
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
function pointsOf(calls: readonly string[], which: RegExp, remote: boolean): Point[] {
  return calls.flatMap((call, i) =>
    which.test(call)
      ? (['honest', 'frozen'] as const).map((clocks) => ({
          name: `${i + 1} ${call}, ${clocks}`,
          clocks,
          nth: i + 1,
          remote,
        }))
      : [],
  );
}

/** Some of them, and in any case the first of each kind. */
function someOf(points: readonly Point[], count: number, kinds: readonly RegExp[]): readonly Point[] {
  const firsts = kinds.flatMap((kind) => {
    const found = points.filter(({ name }) => kind.test(name)).slice(0, 2);
    expect(found, String(kind)).toHaveLength(2);
    return found;
  });
  return [...new Set([...firsts, ...sample(points, count)])];
}

const OUTLET_WRITE = /rename jwks\.json/;
/** How long AWS works on a request: time enough to stop who sent it. */
const WORKS = 150;

/** It stops itself before it makes a call. */
async function stopAtCall(site: Site, { nth, clocks }: Point) {
  const suspended = await suspend(site, IMMEDIATE, (args, clock) =>
    site.start(args, { call: `stop-before:${nth}`, clock: clocks === 'honest' ? clock : '' }),
  );
  await until(() => suspended.ended.ran !== null || isStopped(suspended.running), 'it stops', 30_000);
  return suspended;
}

/** It is stopped while AWS works on its request, and hears of it when it is awake again. */
async function stopAtRequest(site: Site<AwsKeeping>, { nth, clocks }: Point) {
  const { keeping } = site;
  const suspended = await suspend(site, IMMEDIATE, (args, clock) => {
    keeping.server.fail({ operation: '*', nth, mode: 'slow', ms: WORKS });
    return site.start(args, clocks === 'honest' ? { clock } : {});
  });
  await until(() => suspended.ended.ran !== null || keeping.calls.length >= nth, 'the call comes', 30_000);
  suspended.running.child.kill('SIGSTOP');
  await until(() => suspended.ended.ran !== null || isStopped(suspended.running), 'it stops');
  // Its effect is there before others look. (Their timer was set first.) What lands amid their run is test/crash/aws.test.ts's.
  await wait(WORKS);
  return suspended;
}

describe('a run that is suspended until others have taken its lease over', () => {
  it('does nothing that is not undone, whatever it was about to write to the directory', { timeout: SWEEP_LIMIT }, () =>
    withSites(
      IMMEDIATE,
      () => Site.open(),
      async (sites) => {
        const { code, calls } = await undisturbed(sites[0], IMMEDIATE);
        expect(code).toBe(0);
        const points = pointsOf(calls, /^!/, false);
        const tried = someOf(points, 1, [OUTLET_WRITE, /link \d{10}\.json/, /link [\w-]{43}\.json/]);
        const problems = await sweep(sites, tried, async (site, point) => {
          const suspended = await stopAtCall(site, point);
          return suspended.ended.ran === null
            ? wake(site, suspended, [0, 4, 75], / spawn flock/.test(point.name))
            : ['it did not stop'];
        });
        console.log(`suspended over the directory store: ${tried.length} of ${points.length} points`);
        expect(problems).toEqual({});
        expect(points.length).toBeGreaterThan(100);
      },
    ),
  );

  it('does nothing that is not undone, whatever it was about to hear from AWS', { timeout: SWEEP_LIMIT }, () =>
    withSites<Site<AwsKeeping>>(
      IMMEDIATE,
      () => Site.open(keepInAws),
      async (sites) => {
        const [site] = sites;
        const { code, calls } = await undisturbed(site, IMMEDIATE);
        expect(code).toBe(0);
        const points = [...pointsOf(site.keeping.calls, /./, true), ...pointsOf(calls, /^! rename/, false)];
        const tried = someOf(points, 1, [OUTLET_WRITE, /UpdateSecretVersionStage/, /CreateSecret/]);
        const problems = await sweep(sites, tried, async (one, point) => {
          const suspended = await (point.remote ? stopAtRequest(one, point) : stopAtCall(one, point));
          // AWS may have taken too long by its clock, or show by its date that it is late.
          return suspended.ended.ran === null ? wake(one, suspended, [0, 3, 4, 5, 75]) : ['it did not stop'];
        });
        console.log(`suspended over Secrets Manager: ${tried.length} of ${points.length} points`);
        expect(problems).toEqual({});
        expect(points.length).toBeGreaterThan(30);
      },
    ),
  );
});
