import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { FaultMode } from '../aws/server.js';
import { until } from '../e2e/world.js';
import { afterwards, before } from './afterwards.js';
import { type AwsKeeping, keepInAws } from './keeping.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import { Site } from './site.js';
import { EVERY_POINT, randomInstants, SWEEP_LIMIT, sample, sweep, withSites } from './sweep.js';

type AwsSite = Site<AwsKeeping>;

/** Where it is killed: at a call to Secrets Manager or KMS, or some time. */
type Point = { readonly name: string } & (
  | { readonly nth: number; readonly mode: FaultMode; readonly ms: number }
  | { readonly ms: number }
);

/** The kill comes before the call takes effect, after it, or first: then the effect comes amid the next run. */
const WAYS: Readonly<Record<string, FaultMode>> = { before: 'silence', after: 'mute', late: 'slow' };
/** A run's first call comes after some 300 ms: these hit it from before its first read to after its last write. */
const LATE = [300, 500, 700, 900, 1_200];

/** Every point of a run that nobody disturbs. */
async function pointsOf(site: AwsSite, scenario: Scenario): Promise<{ points: Point[]; took: number }> {
  await site.restore();
  const began = Date.now();
  const { code } = await site.start(await scenario.args(site)).ended;
  const took = Date.now() - began;
  expect(code).toBe(0);
  const points = site.keeping.calls.flatMap((operation, i): Point[] => {
    const ways = /^(Get|Describe|List|Encrypt|Decrypt)/.test(operation) ? ['before', 'after'] : Object.keys(WAYS);
    return ways.map((way) => ({
      name: `${way} ${i + 1} ${operation}`,
      nth: i + 1,
      mode: WAYS[way] ?? 'silence',
      ms: LATE[i % LATE.length] ?? 0,
    }));
  });
  return { points, took };
}

async function killedAt(site: AwsSite, scenario: Scenario, point: Point): Promise<string[]> {
  await site.restore();
  const { keeping } = site;
  const start = await before(site, scenario);
  if ('nth' in point) keeping.server.fail({ operation: '*', nth: point.nth, mode: point.mode, ms: point.ms });
  const running = site.start(await scenario.args(site));
  if ('nth' in point) {
    const arrived = until(() => keeping.calls.length >= point.nth, 'the call arrives', 30_000);
    await Promise.race([arrived, running.ended]);
  } else await wait(point.ms);
  const landed = wait('mode' in point && point.mode === 'slow' ? point.ms : 0);
  running.child.kill('SIGKILL');
  const { signal, stderr } = await running.ended;
  if (signal !== 'SIGKILL' && 'nth' in point) return [`it was not killed: ${stderr}`];
  keeping.server.heal();
  return afterwards(site, scenario, start, 'mode' in point && point.mode === 'slow' ? landed : null);
}

describe('a run with Secrets Manager and KMS that is killed', () => {
  for (const scenario of SCENARIOS) {
    it(`is settled by the next run, wherever in ${scenario.name} it was`, { timeout: SWEEP_LIMIT }, () =>
      withSites(
        scenario,
        () => Site.open(keepInAws),
        async (sites) => {
          const { points, took } = await pointsOf(sites[0], scenario);
          const tried = sample(points, 18);
          const instants = randomInstants(EVERY_POINT ? 50 : 2, took);
          const problems = await sweep(sites, [...tried, ...instants], (site, point: Point) =>
            killedAt(site, scenario, point),
          );
          console.log(
            `Secrets Manager, ${scenario.name}: ${tried.length} of ${points.length} points, ${instants.length} random instants`,
          );
          expect(problems).toEqual({});
          expect(tried.length).toBeGreaterThan(EVERY_POINT ? 20 : 1);
        },
      ),
    );
  }
});
