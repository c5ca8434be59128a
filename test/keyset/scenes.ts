import type { Policy } from '../../src/keyset/basics/policy.js';
import { POLICY, START } from './fixtures.js';
import { Story } from './tale.js';

/** k1 is active and settled since `START`. */
export function settled(changes: Partial<Policy> = {}): Story {
  const story = new Story();
  story.policy = { ...POLICY, ...changes };
  story.run();
  return story;
}

/** k1 is active; k2 is staged and waits for `publishAhead`. The clock stands where it was staged. */
export function staged(changes: Partial<Policy> = {}): Story {
  const story = settled(changes);
  story.now = START + story.policy.rotateEvery - story.policy.publishAhead;
  story.run();
  return story;
}

/** k2 was just activated, k1 is deprecated; outlets are written, and no signer has confirmed. */
export function switching(changes: Partial<Policy> = {}): Story {
  const story = staged(changes);
  story.now = START + story.policy.rotateEvery;
  for (let i = 0; i < 2; i += 1) story.step();
  return story;
}

/** k2 is active, k1 deprecated, all signers confirmed. */
export function rotated(changes: Partial<Policy> = {}): Story {
  const story = switching(changes);
  story.run();
  return story;
}
