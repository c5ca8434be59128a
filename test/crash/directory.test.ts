import { afterAll, describe, expect, it } from 'vitest';
import { afterwards, before } from './afterwards.js';
import { callPoints, type LocalPoint, requestPoints, startUntil, undisturbed, wasKilled } from './points.js';
import type { Scenario } from './scenarios.js';
import { Site } from './site.js';
import { Count, randomInstants, SWEEP_LIMIT, sample, scenariosWith, sweep, withSites } from './sweep.js';

async function killedAt(site: Site, scenario: Scenario, point: LocalPoint, tries = 3): Promise<string[]> {
  await site.restore();
  const start = await before(site, scenario);
  const ran = await (await startUntil(site, scenario, point)).ended;
  if (!wasKilled(ran) && !('ms' in point)) {
    if (scenario.isTimed !== true) return [`it was not killed: ${ran.stderr}`];
    if (tries > 1) return killedAt(site, scenario, point, tries - 1);
  }
  return afterwards(site, scenario, start);
}

const count = new Count('directory store');
afterAll(() => count.total());

describe('a run with the directory store that is killed', () => {
  for (const scenario of scenariosWith('directory')) {
    it(`is settled by the next run, wherever in ${scenario.name} it was`, { timeout: SWEEP_LIMIT }, () =>
      withSites(
        scenario,
        () => Site.open(),
        async (sites) => {
          const [site] = sites;
          const { code, calls, took } = await undisturbed(site, scenario);
          expect(code).toBe(scenario.code ?? 0);
          const points = [...callPoints(calls, /./), ...requestPoints(site.services.requests)];
          expect(points.length).toBeGreaterThan(50);
          const tried = sample(points, 1);
          const instants = randomInstants(1, took);
          const problems = await sweep(sites, [...tried, ...instants], (one, point: LocalPoint) =>
            killedAt(one, scenario, point),
          );
          count.add(scenario.name, points.length, tried.length, instants.length);
          expect(problems).toEqual({});
        },
      ),
    );
  }
});
