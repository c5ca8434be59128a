import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { FaultMode } from '../aws/server.js';
import { until } from '../e2e/world.js';
import { afterwards, before } from './afterwards.js';
import { type AwsKeeping, keepInAws } from './keeping.js';
import { callPoints, type LocalPoint, requestPoints, startUntil, undisturbed, wasKilled } from './points.js';
import type { Scenario } from './scenarios.js';
import { Site } from './site.js';
import { Count, randomInstants, SWEEP_LIMIT, sample, scenariosWith, sweep, withSites } from './sweep.js';

type AwsSite = Site<AwsKeeping>;

/** Where it is killed: at a call to Secrets Manager or KMS, or anywhere else. */
type Point =
  | LocalPoint
  | { readonly name: string; readonly nth: number; readonly mode: FaultMode; readonly late: number };

/** The kill comes before the call takes effect, after it, or first: then the effect comes amid the next run. */
const WAYS: Readonly<Record<string, FaultMode>> = { before: 'silence', after: 'mute', late: 'slow' };
/** A run's first call comes after some 300 ms: these hit it from before its first read to after its last write. */
const LATE = [300, 500, 700, 900, 1_200];

/** Every point of a run that nobody disturbs: each call to AWS, what else it changes, and what it asks of services. */
async function pointsOf(site: AwsSite, scenario: Scenario): Promise<{ points: Point[]; took: number }> {
  const { code, calls, took } = await undisturbed(site, scenario);
  expect(code).toBe(scenario.code ?? 0);
  const remote = site.keeping.calls.flatMap((operation, i): Point[] => {
    const ways = /^(Get|Describe|List|Encrypt|Decrypt)/.test(operation) ? ['before', 'after'] : Object.keys(WAYS);
    return ways.map((way) => ({
      name: `${way} ${i + 1} ${operation}`,
      nth: i + 1,
      mode: WAYS[way] ?? 'silence',
      late: way === 'late' ? (LATE[i % LATE.length] ?? 0) : 0,
    }));
  });
  return { points: [...remote, ...callPoints(calls, /^!/), ...requestPoints(site.services.requests)], took };
}

async function killedAt(site: AwsSite, scenario: Scenario, point: Point, tries = 3): Promise<string[]> {
  await site.restore();
  const { keeping } = site;
  const start = await before(site, scenario);
  if (!('nth' in point)) {
    const ran = await (await startUntil(site, scenario, point)).ended;
    if (!wasKilled(ran) && !('ms' in point)) {
      if (scenario.isTimed !== true) return [`it was not killed: ${ran.stderr}`];
      if (tries > 1) return killedAt(site, scenario, point, tries - 1);
    }
    return afterwards(site, scenario, start);
  }
  const { nth, mode, late } = point;
  keeping.server.fail({ operation: '*', nth, mode, ms: late });
  const running = site.start(await scenario.args(site));
  const arrived = until(() => keeping.calls.length >= nth, 'the call arrives', 30_000);
  await Promise.race([arrived, running.ended]);
  const landed = wait(late);
  running.child.kill('SIGKILL');
  const { signal, stderr } = await running.ended;
  if (signal !== 'SIGKILL') return [`it was not killed: ${stderr}`];
  keeping.server.heal();
  return afterwards(site, scenario, start, mode === 'slow' ? landed : null);
}

const count = new Count('Secrets Manager');
afterAll(() => count.total());

describe('a run with Secrets Manager and KMS that is killed', () => {
  for (const scenario of scenariosWith('aws')) {
    it(`is settled by the next run, wherever in ${scenario.name} it was`, { timeout: SWEEP_LIMIT }, () =>
      withSites(
        scenario,
        () => Site.open(keepInAws),
        async (sites) => {
          const { points, took } = await pointsOf(sites[0], scenario);
          expect(points.length).toBeGreaterThan(9);
          const tried = sample(points, 1);
          const instants = randomInstants(1, took);
          const problems = await sweep(sites, [...tried, ...instants], (site, point: Point) =>
            killedAt(site, scenario, point),
          );
          count.add(scenario.name, points.length, tried.length, instants.length);
          expect(problems).toEqual({});
        },
      ),
    );
  }
});
