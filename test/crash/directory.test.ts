import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { afterwards, before } from './afterwards.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import type { Held } from './services.js';
import { Site } from './site.js';
import { EVERY_POINT, randomInstants, SWEEP_LIMIT, sample, sweep, withSites } from './sweep.js';

/** Where it is killed: at a call to the file system or a program's start, at a request to a service, or some time. */
type Point = { readonly name: string } & (
  | { readonly call: string }
  | { readonly request: number; readonly how: Held }
  | { readonly ms: number }
);

/** Every point of a run that nobody disturbs. */
async function pointsOf(site: Site, scenario: Scenario): Promise<{ points: Point[]; took: number }> {
  await site.restore();
  const list = site.world.path('calls');
  const began = Date.now();
  const { code } = await site.start(await scenario.args(site), { call: `count:${list}` }).ended;
  const took = Date.now() - began;
  expect(code).toBe(0);
  const calls = readFileSync(list, 'utf8').trimEnd().split('\n');
  const points = calls.flatMap((call, i): Point[] => {
    // A read leaves behind what the call before it did; a change is there, is not, or is there in part.
    const ways = call.startsWith('!') ? ['before', 'after'] : ['before'];
    if (call.startsWith('! writeFile')) ways.push('torn');
    return ways.map((how) => ({ name: `${how} ${i + 1} ${call}`, call: `${how}:${i + 1}` }));
  });
  for (let request = 1; request <= site.services.requests; request += 1) {
    for (const how of ['before', 'after'] as const) points.push({ name: `${how} request ${request}`, request, how });
  }
  return { points, took };
}

async function killedAt(site: Site, scenario: Scenario, point: Point): Promise<string[]> {
  await site.restore();
  const start = await before(site, scenario);
  const running = site.start(await scenario.args(site), 'call' in point ? { call: point.call } : {});
  if ('request' in point) await Promise.race([site.services.hold(point.request, point.how), running.ended]);
  if ('ms' in point) await new Promise((resolve) => setTimeout(resolve, point.ms));
  if (!('call' in point)) running.child.kill('SIGKILL');
  const { signal, stderr } = await running.ended;
  if (signal !== 'SIGKILL' && !('ms' in point)) return [`it was not killed: ${stderr}`];
  return afterwards(site, scenario, start);
}

describe('a run with the directory store that is killed', () => {
  for (const scenario of SCENARIOS) {
    it(`is settled by the next run, wherever in ${scenario.name} it was`, { timeout: SWEEP_LIMIT }, () =>
      withSites(
        scenario,
        () => Site.open(),
        async (sites) => {
          const { points, took } = await pointsOf(sites[0], scenario);
          const tried = sample(points, 40);
          const instants = randomInstants(EVERY_POINT ? 50 : 3, took);
          const problems = await sweep(sites, [...tried, ...instants], (site, point: Point) =>
            killedAt(site, scenario, point),
          );
          console.log(
            `directory store, ${scenario.name}: ${tried.length} of ${points.length} points, ${instants.length} random instants`,
          );
          expect(problems).toEqual({});
          expect(tried.length).toBeGreaterThan(EVERY_POINT ? 100 : 5);
        },
      ),
    );
  }
});
