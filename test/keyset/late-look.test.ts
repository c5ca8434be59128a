import { describe, expect, it } from 'vitest';
import { published } from '../../src/keyset/transitions/all.js';
import { recordOnly } from './incidents.js';
import { DAY, HOUR, rotated, SECOND, settled, staged } from './story.js';

const CACHES = HOUR + 60 * SECOND;

/** k2 signs since it was made, without `publishAhead`. */
function hasty() {
  const story = settled();
  story.now += DAY;
  story.run({ force: true, immediate: true });
  return story;
}

describe('one more look at signers', () => {
  it('follows once no earlier reload can take effect any more, also where no former key is there', () => {
    const story = settled();
    const quiet = story.now + HOUR;
    story.manifest = { ...story.known, signersOwed: true, reloadsUntil: quiet };
    expect(story.next).toBe('nothing');
    story.now = quiet;
    expect(story.run()).toEqual(['confirm-signers k1 interrupted']);
    expect(story.known.signersOwed).toBe(false);
    expect(story.next).toBe('nothing');
  });
});

describe('one more look at verifiers', () => {
  it('follows a switch without publishAhead, when no copy of the JWKS can be older than the key', () => {
    const story = hasty();
    expect(story.states).toBe('k1: deprecated, k2: active');
    const switchedAt = story.now;
    story.now += CACHES - 1;
    expect(story.next).toBe('nothing');
    story.now += 1;
    expect(story.run()).toEqual(['confirm-verifiers k2 caches-over']);
    expect(story.key('k2')).toMatchObject({ state: 'active', confirmedAt: switchedAt + CACHES });
    expect(story.known.rollout).toBeNull();
    story.now += HOUR;
    expect(story.next).toBe('nothing');
  });

  it('follows a switch at an incident’s deadline, by which no verifier had confirmed the key', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 120 * SECOND;
    story.step();
    const publishedAt = story.now;
    story.manifest = published(story.known, publishedAt);
    expect(story.step()).toBe('replace-at-deadline k2 deadline-passed');
    story.run();
    expect(story.key('k2')).toMatchObject({ state: 'active', confirmedAt: null, publishedAt });
    story.now = publishedAt + CACHES;
    expect(story.run()).toContain('confirm-verifiers k2 caches-over');
    expect(story.key('k2').confirmedAt).toBe(story.now);
    story.now += HOUR;
    expect(story.run()).not.toContain('confirm-verifiers k2 caches-over');
  });

  it('is repeated until every verifier accepts the key', () => {
    const story = hasty();
    story.now += CACHES;
    story.blocked.add('rollout');
    expect(story.next).toBe('nothing');
    expect(story.run()).toEqual(['confirm-verifiers k2 caches-over']);
  });

  it('waits while failed attempts back off, unless asked for', () => {
    const story = hasty();
    story.now += CACHES;
    story.manifest = { ...story.known, backoff: { failures: 1, until: story.now + HOUR, because: 'api' } };
    expect(story.next).toBe('nothing');
    story.now += HOUR;
    expect(story.step()).toBe('confirm-verifiers k2 caches-over');
  });

  it('is about the key that failed, where the way back from it came first', () => {
    const story = hasty();
    const switchedAt = story.now;
    story.run({ rollback: 'k1' });
    expect(story.states).toBe('k1: active, k2: deprecated');
    story.manifest = { ...story.known, backoff: null };
    story.now = switchedAt + CACHES - 1;
    expect(story.next).toBe('nothing');
    story.now += 1;
    expect(story.run()).toEqual(['confirm-verifiers k2 caches-over']);
    expect(story.key('k2')).toMatchObject({ state: 'deprecated', confirmedAt: story.now });
    expect(story.next).toBe('nothing');
  });

  it('is not needed after an ordinary rotation, whose gate was passed when copies had expired', () => {
    const story = rotated();
    expect(story.key('k2').confirmedAt).toBe(story.key('k2').activatedAt);
    story.now += 2 * CACHES;
    expect(story.next).toBe('nothing');
  });

  it('is not needed for the first key, nor while the next is under way', () => {
    const story = staged();
    expect(story.next).toBe('nothing');
  });
});
