import { afterEach, describe, expect, it } from 'vitest';
import { keepInAws } from '../crash/keeping.js';
import { unsettled } from '../crash/settled.js';
import { Site } from '../crash/site.js';

/** A start, on a busy machine, and a rotation. */
const AT_ONCE = 15_000;

let site: Site;
afterEach(() => site.close());

describe('a run whose host is the one of a run that was killed', () => {
  for (const [name, open] of [
    ['the directory store', () => Site.open()],
    ['Secrets Manager', () => Site.open(keepInAws)],
  ] as const) {
    it(`takes its lease over at once, not when it ends (${name})`, async () => {
      site = await open();
      await site.run('rotate');
      site.services.restart();
      const running = site.start(['rotate', '--immediate']);
      // It has the lease: it asks the gateway, which does not answer.
      await site.services.hold(1, 'before');
      const lease = (await site.manifest())?.lease;
      expect(lease?.owner.pid).toBe(running.child.pid);
      expect((await site.world.run(['rotate'])).code).toBe(75);
      running.child.kill('SIGKILL');
      expect((await running.ended).signal).toBe('SIGKILL');

      const began = Date.now();
      expect((await site.world.run(['rotate'])).code).toBe(0);
      const took = Date.now() - began;
      expect(took).toBeLessThan(AT_ONCE);
      expect((lease?.until ?? 0) - Date.now()).toBeGreaterThan(6 * AT_ONCE);
      expect(await unsettled(site)).toEqual([]);
      expect((await site.manifest())?.keys.map(({ state }) => state)).toEqual(['deprecated', 'active']);
    });
  }
});
