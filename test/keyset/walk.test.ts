import { describe, expect, it } from 'vitest';
import { decodeManifest, encodeManifest } from '../../src/keyset/manifest/encoding.js';
import { isBackingOff } from '../../src/keyset/questions/backoff.js';
import { disturb, randomRequest } from './disturbance.js';
import { Lcg } from './lcg.js';
import { DAY, HOUR, thumbprintOf } from './story.js';
import { Walker } from './walker.js';
import { Watch } from './watch.js';

async function walk(seed: number, steps: number): Promise<Watch> {
  const walker = new Walker(new Lcg(seed));
  const watch = new Watch(walker);
  try {
    for (let step = 1; step <= steps; step += 1) {
      disturb(walker);
      watch.lookAtOutlets();
      walker.perform(randomRequest(walker));
      if (step % 50 === 0) await settle(walker);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(
      `seed ${seed}: ${message}\n${walker.history
        .filter((line) => line !== 'run {}')
        .slice(-40)
        .join('\n')}`,
      { cause: error },
    );
  }
  return watch;
}

/** Nothing goes wrong for 40 days, and the timer runs every 12 hours: whatever was begun comes to its end. */
async function settle(walker: Walker): Promise<void> {
  walker.calm = true;
  const { policy } = walker;
  for (let hours = 0; hours < 40 * 24; hours += 12) {
    walker.now += 12 * HOUR;
    const ending = walker.perform({});
    if (ending !== 'done') expect(walker.history.at(-1)).toBe('refused too-many-keys');
  }
  walker.calm = false;
  const { known, now } = walker;
  const active = known.keys.find((key) => key.state === 'active');
  expect(now - (active?.signedFrom ?? 0), 'the age of the active key').toBeLessThan(policy.rotateEvery + 2 * DAY);
  const unsettled = known.keys.filter((key) => key.state === 'creating' || (key.state === 'retired' && !key.droppedAt));
  const { retirements, refresh } = known;
  expect({ retirements, refresh, unsettled }).toEqual({ retirements: [], refresh: null, unsettled: [] });
  expect(isBackingOff(known, now)).toBe(false);
  const whole = { ...known, revision: 1, commits: [{ id: 'c', at: now }] };
  expect(await decodeManifest(encodeManifest(whole), 'api', 'here', thumbprintOf)).toEqual(whole);
}

describe('a keyset to which everything happens', () => {
  it.each([1, 2, 3, 4, 5, 6])('keeps its promises (walks %i)', async (group) => {
    let [rotations, expiries, rollbacks] = [0, 0, 0];
    for (let seed = 1; seed <= 3; seed += 1) {
      const watch = await walk(group * 1000 + seed, 100);
      rotations += watch.rotations;
      expiries += watch.expiries;
      rollbacks += watch.rollbacks;
    }
    expect(rotations).toBeGreaterThan(12);
    expect(expiries).toBeGreaterThan(3);
    expect(rollbacks).toBeGreaterThan(1);
  });
});
