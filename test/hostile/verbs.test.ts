import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manners } from './judge.js';
import { PLACES } from './places.js';
import { Site } from './site.js';
import { THINGS } from './things.js';

/** Where what hangs is waited for longest: each service's own deadline, and the store's limits. */
const LIMIT = 60_000;
const TRIED = [
  ['outlet', 'FIFO'],
  ['delivered key', 'prototypes'],
  ["command's record", 'garbage'],
  ['header file', 'device'],
  ['pid file', 'dead'],
  ['newest revision', 'huge numbers'],
  ['configuration', '10 MB of kids'],
  ['store', 'dead'],
] as const;

let site: Site;
beforeAll(async () => {
  site = await Site.open();
}, 120_000);
afterAll(() => site.close());

describe('any other verb', () => {
  it.each(TRIED)('has manners with this in the place of %s: %s', { timeout: 300_000 }, async (where, what) => {
    const place = PLACES.find(({ name }) => name === where);
    const thing = THINGS.find(({ name }) => name === what);
    if (place === undefined || thing === undefined) throw new Error('there is no such cell');
    for (const args of [['status', '--probe'], ['sync'], ['rotate', '--force']]) {
      site.restore();
      const path = place.path(site.paths);
      const after = thing.put(path);
      const ran = await site.run(args, thing.isDead === true ? [path] : []);
      after?.();
      // A thread that hangs keeps exit(3) from returning: then it has ended itself, when all was said.
      const ended = thing.isDead === true && ran.signal === 'SIGKILL' ? { ...ran, code: 3, signal: null } : ran;
      expect({ args, problems: manners(ended, LIMIT) }, ran.stderr).toEqual({ args, problems: [] });
    }
  });
});
