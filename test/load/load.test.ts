import { describe, expect, it } from 'vitest';
import { rotationsUnderLoad } from './traffic.js';

/** How long traffic lasts: `npm run test:load` sets a minute, so that keys also expire under it. */
const SECONDS = Number(process.env['JWTROT_LOAD'] ?? 12);

describe('rotations under continuous traffic', () => {
  it(`reject no token in ${SECONDS} seconds of a rotation every three`, { timeout: 240_000 }, async () => {
    const { minted, checkedNew, checkedOld, rejected, kids, published, rotations, failed } =
      await rotationsUnderLoad(SECONDS);
    console.log(
      `${SECONDS} s of load: ${rotations} rotations, ${minted} tokens minted with ${kids} keys (${published} still published), ${checkedNew} checked new, ${checkedOld} checked old, ${rejected.length} rejected`,
    );
    expect(rejected).toEqual([]);
    expect({ checkedNew, checkedOld }).toEqual({ checkedNew: minted, checkedOld: minted });
    expect(failed).toEqual([]);
    expect(minted).toBeGreaterThan(5 * SECONDS);
    expect(rotations).toBeGreaterThanOrEqual(Math.floor(SECONDS / 12));
    expect(kids).toBeGreaterThanOrEqual(Math.floor(SECONDS / 12) + 1);
    // Within a minute some keys go as well.
    if (SECONDS >= 60) expect(published).toBeLessThan(kids);
  });
});
